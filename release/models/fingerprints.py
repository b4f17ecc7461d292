"""What the leak guard keeps of files, in a form that many can be searched in at once."""

from __future__ import annotations

from django.db import models

from registry.models import Blob


class BlobFingerprints(models.Model):
    """The packed fingerprints of one blob's tensors, made from its newest inspection and as secret as that is.

    Written when a leak check first needs them, anew when the blob was inspected again, and gone with the blob. A row
    without entries says that the blob holds no tensors that could prove anything.
    """

    blob = models.OneToOneField(Blob, on_delete=models.CASCADE, primary_key=True, related_name="+")
    inspection_id = models.BigIntegerField(help_text="The inspection that it was made from.")
    version = models.PositiveSmallIntegerField(help_text="Of the packed form.")
    packed = models.BinaryField()
    names = models.JSONField(default=list, help_text="The tensors' names, in the order of the entries.")

    def __str__(self) -> str:
        return f"fingerprints of {self.blob_id}"
