"""When content was last of use to somebody, and whether its stored bytes were found damaged."""

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("registry", "0005_pull_refs")]

    operations = [
        migrations.AddField(
            model_name="blob",
            name="used_at",
            field=models.DateTimeField(
                default=django.utils.timezone.now,
                help_text="When somebody last sent it, or was told that it need not be sent.",
            ),
        ),
        migrations.AddField(
            model_name="blob",
            name="damaged_at",
            field=models.DateTimeField(
                blank=True,
                help_text="When its stored bytes were found missing or changed; sending it again mends it.",
                null=True,
            ),
        ),
    ]
