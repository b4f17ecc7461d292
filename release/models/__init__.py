"""Releases, the policy they stand under, and what became of them on their targets."""

from release.models.fingerprints import BlobFingerprints
from release.models.policy import ReleasePolicy, Waiver
from release.models.publication import Publication, PublicationFile, Target
from release.models.release import Release, ReleaseItem, Review

__all__ = [
    "BlobFingerprints",
    "Publication",
    "PublicationFile",
    "Release",
    "ReleaseItem",
    "ReleasePolicy",
    "Review",
    "Target",
    "Waiver",
]
