"""What the release part of the API takes: shapes and sizes. Whether it may be done is asked of the services."""

from __future__ import annotations

from rest_framework import serializers

from registry.states import Component, EvidenceKind, Level, ReasonCode
from release.api.serializers import words

DIGEST = r"^sha256:[0-9a-f]{64}$"


class StrictSerializer(serializers.Serializer):
    """Refuses fields that it does not know: a misspelled one must not be passed over in silence."""

    def to_internal_value(self, data: object) -> object:
        """The checked values."""
        if isinstance(data, dict):
            unknown = sorted(set(map(str, data)) - set(self.fields))
            if unknown:
                raise serializers.ValidationError({name[:60]: ["There is no such field."] for name in unknown[:20]})
        return super().to_internal_value(data)


class NewReleaseSerializer(StrictSerializer):
    """A draft."""

    organization = serializers.CharField(max_length=96)
    title = serializers.CharField(max_length=150)
    summary = serializers.CharField(max_length=4000, required=False, allow_blank=True, default="")


class DescriptionSerializer(StrictSerializer):
    """What a draft says of itself; fields that are left out stay as they are."""

    title = serializers.CharField(max_length=150, required=False)
    summary = serializers.CharField(max_length=4000, required=False, allow_blank=True)
    scheduled_for = serializers.DateTimeField(required=False, allow_null=True)


class PutItemSerializer(StrictSerializer):
    """How a variant stands in a draft. The newest gate is taken for a gated one."""

    checkpoint = serializers.RegexField(DIGEST)
    level = serializers.ChoiceField(choices=words(Level))
    license = serializers.CharField(max_length=80, required=False, allow_null=True, help_text="Key of the catalog.")
    license_text_sha256 = serializers.RegexField(r"^[0-9a-f]{64}$", required=False, help_text="An older text of it.")
    reason_code = serializers.ChoiceField(choices=words(ReasonCode), required=False, allow_blank=True, default="")
    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")
    owner = serializers.CharField(max_length=96, required=False, help_text="User name; the caller by default.")
    review_on = serializers.DateField(required=False, allow_null=True)
    components = serializers.DictField(
        child=serializers.ChoiceField(choices=words(Level)),
        required=False,
        default=dict,
        help_text=f"Levels of single components: {', '.join(Component)}.",
    )


class TargetNamesSerializer(StrictSerializer):
    """Where a draft goes."""

    names = serializers.ListField(child=serializers.CharField(max_length=60), max_length=50)


class ApproveSerializer(StrictSerializer):
    """A signature on the digest that was read."""

    seen = serializers.RegexField(DIGEST, help_text="The release digest that you looked at.")
    note = serializers.CharField(max_length=1000, required=False, allow_blank=True, default="")


class RefuseSerializer(StrictSerializer):
    """A refusal of the digest that was read."""

    seen = serializers.RegexField(DIGEST, help_text="The release digest that you looked at.")
    reason = serializers.CharField(max_length=1000)


class WithdrawSerializer(StrictSerializer):
    """Why it is taken back."""

    reason = serializers.CharField(max_length=1000)


class NewWaiverSerializer(StrictSerializer):
    """One kind of evidence to do without for one checkpoint of the release."""

    requirement = serializers.CharField(max_length=80, help_text="Such as evidence.smoke")
    checkpoint = serializers.RegexField(DIGEST)
    reason = serializers.CharField(max_length=500)
    days = serializers.IntegerField(min_value=1, max_value=90)


class NewVariantSerializer(StrictSerializer):
    """A variant without files."""

    organization = serializers.CharField(max_length=96)
    name = serializers.CharField(max_length=96)
    family = serializers.CharField(max_length=96, required=False, help_text="Name of a family that exists.")
    summary = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class RunEvidenceSerializer(StrictSerializer):
    """One kind of evidence to make again."""

    kind = serializers.ChoiceField(choices=words(EvidenceKind))


class NothingSerializer(StrictSerializer):
    """An empty body."""
