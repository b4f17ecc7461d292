import django.db.models.deletion
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("licensing", "0003_openness_statement"),
        ("registry", "0003_openness_evidence"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="UpstreamLicense",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "repo_id",
                    models.CharField(help_text="In lower case, as names on the Hub are compared.", max_length=193),
                ),
                (
                    "modality",
                    models.CharField(
                        blank=True, help_text="text, multimodal, image, …; empty is unknown.", max_length=20
                    ),
                ),
                ("source", models.CharField(help_text="Where that was seen: file and revision.", max_length=300)),
                ("by_name", models.CharField(max_length=150)),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "license_version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="upstream_models",
                        to="licensing.licenseversion",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="LicenseeStatement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("said", models.JSONField(default=dict, help_text="The keys of `actor` in a license case.")),
                ("by_name", models.CharField(max_length=150)),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="licensee_statements",
                        to="registry.organization",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["organization", "-id"], name="licensee_newest")],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="licenseestatement",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="ed0b7999fcbaf0117ae039491425038e2c591ef2",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_dcf84",
                    table="licensing_licenseestatement",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="upstreamlicense",
            index=models.Index(fields=["repo_id", "-id"], name="upstream_newest"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="upstreamlicense",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="b278f4bbce391e26da8c0143fdaedcff0ffc3792",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_fc97e",
                    table="licensing_upstreamlicense",
                    when="BEFORE",
                ),
            ),
        ),
    ]
