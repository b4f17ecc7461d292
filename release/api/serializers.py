"""The shapes that the release part of the API answers with; nothing here is written to a row."""

from __future__ import annotations

from enum import StrEnum

from rest_framework import serializers

from accounts.roles import Role
from licensing.api.serializers import LicenseReferenceSerializer
from registry.states import Component, EvidenceKind, Level, Outcome, ReasonCode, Relation
from release.facts import Standing
from release.states import Decision, PublicationState, ReleaseState, TargetKind
from web.problems import ActionSerializer


def words(names: type[StrEnum]) -> list[str]:
    """The plain words of an enumeration, under which the OpenAPI document knows it."""
    return [name.value for name in names]


# By these the settings give enumerations their names in the OpenAPI document, where two fields share a name.
RELEASE_STATES = words(ReleaseState)
PUBLICATION_STATES = words(PublicationState)
TARGET_KINDS = words(TargetKind)
EVIDENCE_KINDS = words(EvidenceKind)


class TargetSerializer(serializers.Serializer):
    """Where a release goes."""

    name = serializers.CharField()
    title = serializers.CharField()
    kind = serializers.ChoiceField(choices=TARGET_KINDS)
    endpoint = serializers.CharField()
    namespace = serializers.CharField()


class DisclosureSerializer(serializers.Serializer):
    """What is decided for one component."""

    component = serializers.ChoiceField(choices=words(Component))
    level = serializers.ChoiceField(choices=words(Level))
    reason_code = serializers.ChoiceField(choices=words(ReasonCode), allow_blank=True)
    note = serializers.CharField(allow_blank=True)
    owner = serializers.CharField(allow_blank=True)
    review_on = serializers.DateField(allow_null=True)


class ItemSerializer(serializers.Serializer):
    """One variant in a release."""

    variant = serializers.CharField()
    checkpoint = serializers.CharField(help_text="sha256:<hex> of the manifest")
    packaged = serializers.CharField(allow_null=True, help_text="What leaves; fixed at submission.")
    level = serializers.ChoiceField(choices=words(Level))
    license = LicenseReferenceSerializer(allow_null=True)
    gate = serializers.IntegerField(allow_null=True, help_text="Version of the variant's gate.")
    disclosures = DisclosureSerializer(many=True)


class ReviewSerializer(serializers.Serializer):
    """One vote; a void one was given for another digest, or by the submitter."""

    role = serializers.ChoiceField(choices=words(Role))
    decision = serializers.ChoiceField(choices=words(Decision))
    by = serializers.CharField()
    at = serializers.DateTimeField()
    reason = serializers.CharField()
    digest = serializers.CharField()
    is_void = serializers.BooleanField()


class ReleaseRowSerializer(serializers.Serializer):
    """A release in a list."""

    id = serializers.IntegerField()
    url = serializers.CharField()
    organization = serializers.CharField()
    title = serializers.CharField()
    state = serializers.ChoiceField(choices=RELEASE_STATES)
    next_by = serializers.CharField(help_text="Who acts next, in words.")
    digest = serializers.CharField()
    variants = serializers.ListField(child=serializers.CharField())
    updated_at = serializers.DateTimeField()


class ReleaseSerializer(serializers.Serializer):
    """A release with all that its digest covers, its votes, and what this caller may do with it."""

    id = serializers.IntegerField()
    url = serializers.CharField()
    organization = serializers.CharField()
    title = serializers.CharField()
    summary = serializers.CharField()
    state = serializers.ChoiceField(choices=RELEASE_STATES)
    next_by = serializers.CharField()
    digest = serializers.CharField()
    policy_version = serializers.IntegerField()
    scheduled_for = serializers.DateTimeField(allow_null=True)
    drafted_by = serializers.CharField()
    drafted_at = serializers.DateTimeField()
    submitted_by = serializers.CharField(allow_null=True)
    submitted_at = serializers.DateTimeField(allow_null=True)
    live_at = serializers.DateTimeField(allow_null=True)
    withdrawn_at = serializers.DateTimeField(allow_null=True)
    targets = TargetSerializer(many=True)
    items = ItemSerializer(many=True)
    reviews = ReviewSerializer(many=True)
    actions = ActionSerializer(many=True)
    jobs = serializers.ListField(child=serializers.CharField(), help_text="Addresses of the open work for it.")


class RequirementSerializer(serializers.Serializer):
    """One point of the policy, how it stands, and who can change that."""

    code = serializers.CharField()
    title = serializers.CharField()
    subject = serializers.CharField()
    standing = serializers.ChoiceField(choices=words(Standing))
    explanation = serializers.CharField()
    lifted_by = serializers.CharField()
    evidence = serializers.IntegerField(allow_null=True)


class JobSerializer(serializers.Serializer):
    """Work under way."""

    url = serializers.CharField()
    state = serializers.CharField()
    stage = serializers.CharField()
    done = serializers.IntegerField()
    total = serializers.IntegerField()
    unit = serializers.CharField()
    percent = serializers.IntegerField(allow_null=True)
    seconds_left = serializers.FloatField(allow_null=True)
    attempts = serializers.IntegerField()
    run_after = serializers.DateTimeField()
    error_code = serializers.CharField()
    error_message = serializers.CharField()


class PublicationSerializer(serializers.Serializer):
    """One variant of a release on one target."""

    id = serializers.IntegerField()
    target = serializers.CharField()
    repo_id = serializers.CharField()
    state = serializers.ChoiceField(choices=PUBLICATION_STATES)
    url = serializers.CharField()
    remote_commit = serializers.CharField()
    files = serializers.IntegerField()
    files_sent = serializers.IntegerField()
    files_verified = serializers.IntegerField()
    bytes_total = serializers.IntegerField()
    bytes_sent = serializers.IntegerField()
    waits_for = serializers.CharField()
    next_try_at = serializers.DateTimeField(allow_null=True)
    live_at = serializers.DateTimeField(allow_null=True)
    withdrawn_at = serializers.DateTimeField(allow_null=True)
    job = JobSerializer(allow_null=True)
    actions = ActionSerializer(many=True)


class JournalFileSerializer(serializers.Serializer):
    """One file on its way to a target."""

    path = serializers.CharField()
    size_bytes = serializers.IntegerField()
    sha256 = serializers.CharField()
    uploaded_at = serializers.DateTimeField(allow_null=True)
    verified_at = serializers.DateTimeField(allow_null=True)


class WaiverSerializer(serializers.Serializer):
    """A requirement that somebody does without, until when."""

    requirement = serializers.CharField()
    checkpoint = serializers.CharField()
    reason = serializers.CharField()
    owner = serializers.CharField()
    expires_at = serializers.DateTimeField()


class ParentSerializer(serializers.Serializer):
    """Where a variant came from, as far as the caller may know."""

    name = serializers.CharField()
    relation = serializers.ChoiceField(choices=words(Relation))


class VariantRowSerializer(serializers.Serializer):
    """A variant in a list; `state` is what outsiders may see of it, empty for nothing."""

    name = serializers.CharField()
    url = serializers.CharField()
    family = serializers.CharField(allow_null=True)
    summary = serializers.CharField()
    state = serializers.CharField()
    downloads = serializers.IntegerField()
    updated_at = serializers.DateTimeField()


class VariantSerializer(VariantRowSerializer):
    """A variant as the caller may know it."""

    revision = serializers.CharField(allow_null=True, help_text="The commit at hand.")
    checkpoint = serializers.CharField(allow_null=True)
    license = LicenseReferenceSerializer(allow_null=True)
    parents = ParentSerializer(many=True)
    actions = ActionSerializer(many=True)


class FileSerializer(serializers.Serializer):
    """One file of a checkpoint; `url` is null where the caller may not read it."""

    path = serializers.CharField()
    size_bytes = serializers.IntegerField()
    sha256 = serializers.CharField()
    is_large = serializers.BooleanField()
    url = serializers.CharField(allow_null=True)


class CheckpointSerializer(serializers.Serializer):
    """A checkpoint of a variant, by the newest commit that points at it."""

    digest = serializers.CharField()
    commit = serializers.CharField()
    title = serializers.CharField()
    is_released = serializers.BooleanField()
    file_count = serializers.IntegerField()
    size_bytes = serializers.IntegerField()
    committed_at = serializers.DateTimeField()


class EvidenceSerializer(serializers.Serializer):
    """The newest evidence of one kind, and the work on another; `report` is the tool's own document."""

    kind = serializers.ChoiceField(choices=EVIDENCE_KINDS)
    outcome = serializers.ChoiceField(choices=words(Outcome), allow_null=True)
    id = serializers.IntegerField(allow_null=True)
    summary = serializers.CharField()
    tool = serializers.CharField()
    tool_version = serializers.CharField()
    rules_version = serializers.CharField()
    made_at = serializers.DateTimeField(allow_null=True)
    report = serializers.JSONField(allow_null=True)
    job = JobSerializer(allow_null=True)


class CheckpointDetailSerializer(CheckpointSerializer):
    """A checkpoint with its evidence."""

    evidence = EvidenceSerializer(many=True)
    actions = ActionSerializer(many=True)
