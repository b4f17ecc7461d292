from django.db import migrations


class Migration(migrations.Migration):
    """Devices have rows of their own; the list that each worker kept besides goes."""

    dependencies = [
        ("jobs", "0003_devices"),
    ]

    operations = [
        migrations.RemoveField(model_name="worker", name="devices"),
    ]
