"""Fingerprints of blobs' tensors, packed for the leak guard; filled when a leak check first needs them."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("registry", "0002_tensors"),
        ("release", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="BlobFingerprints",
            fields=[
                (
                    "blob",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="registry.blob",
                    ),
                ),
                ("inspection_id", models.BigIntegerField(help_text="The inspection that it was made from.")),
                ("version", models.PositiveSmallIntegerField(help_text="Of the packed form.")),
                ("packed", models.BinaryField()),
                ("names", models.JSONField(default=list, help_text="The tensors' names, in the order of the entries.")),
            ],
        ),
    ]
