"""Facts about models: whose they are, what they are made of, what was found out about them. No decision is here."""

from registry.models.checkpoint import Blob, BlobHolding, Checkpoint, CheckpointFile, Commit, Ref
from registry.models.disclosure import Disclosure, Serving
from registry.models.evidence import Evidence, FileInspection, Tensor
from registry.models.probe import DeclaredProbe
from registry.models.variant import Family, LineageEdge, Membership, Organization, Variant

__all__ = [
    "Blob",
    "BlobHolding",
    "Checkpoint",
    "CheckpointFile",
    "Commit",
    "DeclaredProbe",
    "Disclosure",
    "Evidence",
    "Family",
    "FileInspection",
    "LineageEdge",
    "Membership",
    "Organization",
    "Ref",
    "Serving",
    "Tensor",
    "Variant",
]
