from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("registry", "0002_tensors"),
    ]

    operations = [
        migrations.AlterField(
            model_name="evidence",
            name="kind",
            field=models.CharField(
                choices=[
                    ("validation", "validation"),
                    ("license", "license"),
                    ("smoke", "smoke"),
                    ("openness", "openness"),
                ],
                max_length=20,
            ),
        ),
    ]
