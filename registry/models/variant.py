"""Organizations, their members, families, variants and lineage."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.roles import Role
from registry.states import Relation

# Source: huggingface_hub 2.4.0, validate_repo_id: one part of a repository's name.
NAME = RegexValidator(
    r"\A(?!.*(?:--|\.\.))(?!.*\.git\Z)[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?\Z",
    "Use 1 to 96 letters, digits, “.”, “_” and “-”; not at the ends, no “--” or “..”, not ending in “.git”.",
    code="registry.bad_name",
)


class Organization(models.Model):
    """A namespace. Under direct control its owner's calls for visibility and gate take effect at once, as on the
    Hub; otherwise it is governed: only a release changes what is disclosed."""

    name = models.CharField(max_length=96, validators=[NAME])
    title = models.CharField(max_length=150, blank=True)
    is_direct_control = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(Lower("name"), name="organization_name_unique")]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """One role of one person in one organization."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=30, choices=[(role.value, role.label) for role in Role])
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "user", "role"], name="membership_unique")]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.organization}"


class Family(models.Model):
    """Variants that belong together, such as “Nimbus 3”."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="families")
    name = models.CharField(max_length=96, validators=[NAME])
    title = models.CharField(max_length=150)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "families"
        constraints = [models.UniqueConstraint("organization", Lower("name"), name="family_name_unique")]

    def __str__(self) -> str:
        return self.title


class Variant(models.Model):
    """One named model, a repository to the Hub client.

    `is_private` and `gate_mode` count only under direct control. `downloads` is maintained, not counted.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="variants")
    family = models.ForeignKey(Family, on_delete=models.PROTECT, null=True, blank=True, related_name="variants")
    name = models.CharField(max_length=96, validators=[NAME])
    summary = models.CharField(max_length=300, blank=True)
    is_private = models.BooleanField(default=True)
    gate_mode = models.CharField(
        max_length=6, blank=True, choices=[("", "none"), ("auto", "automatic"), ("manual", "manual")]
    )
    downloads = models.PositiveBigIntegerField(default=0)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["organization__name", "name"]
        constraints = [models.UniqueConstraint("organization", Lower("name"), name="variant_name_unique")]

    def __str__(self) -> str:
        return self.repo_id

    @property
    def repo_id(self) -> str:
        """`organization/name`."""
        return f"{self.organization.name}/{self.name}"


class LineageEdge(models.Model):
    """How a variant came from one parent, which is here or elsewhere."""

    child = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="parent_edges")
    parent = models.ForeignKey(Variant, on_delete=models.PROTECT, null=True, blank=True, related_name="child_edges")
    external_parent = models.CharField(max_length=193, blank=True, help_text="A repository's name on the Hub.")
    relation = models.CharField(max_length=12, choices=[(r.value, r.value) for r in Relation])
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(parent__isnull=False, external_parent="")
                | (Q(parent__isnull=True) & ~Q(external_parent="")),
                name="lineage_one_parent",
            ),
            models.CheckConstraint(condition=~Q(child=models.F("parent")), name="lineage_not_self"),
            models.UniqueConstraint(
                fields=["child", "parent", "external_parent"], name="lineage_unique", nulls_distinct=False
            ),
        ]

    def __str__(self) -> str:
        return f"{self.child} is {self.relation} of {self.parent_name}"

    @property
    def parent_name(self) -> str:
        """The parent's repository name, here or elsewhere."""
        return self.parent.repo_id if self.parent else self.external_parent
