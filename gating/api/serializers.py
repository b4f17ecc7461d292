"""The shapes in which the API shows and takes requests, grants and gates; nothing here is written to a row."""

from __future__ import annotations

from rest_framework import serializers

from gating.form import FIELDS
from gating.policies.review import PROMPT_CHARACTERS
from gating.states import FieldType, RequestState
from licensing.api.serializers import LicenseReferenceSerializer
from web.problems import ActionSerializer

REQUEST_STATES = [state.value for state in RequestState]
GRANT_STATES = ["live", "expired", "revoked"]
FIELD_TYPES = [kind.value for kind in FieldType]


class GateFieldSerializer(serializers.Serializer):
    """One question of a gate's form."""

    name = serializers.CharField()
    label = serializers.CharField()
    type = serializers.ChoiceField(choices=FIELD_TYPES)
    required = serializers.BooleanField()
    help = serializers.CharField(allow_blank=True)
    options = serializers.ListField(child=serializers.CharField())


class GateSerializer(serializers.Serializer):
    """One version of a gate."""

    number = serializers.IntegerField()
    prompt = serializers.CharField()
    form = GateFieldSerializer(many=True)
    license = LicenseReferenceSerializer(allow_null=True)
    duration_days = serializers.IntegerField()
    grace_days = serializers.IntegerField(help_text="Days in which grants go on without a changed text accepted.")
    is_automatic = serializers.BooleanField()
    is_in_force = serializers.BooleanField()
    made_by = serializers.CharField()
    made_at = serializers.DateTimeField()


class NewGateSerializer(serializers.Serializer):
    """A new version of a gate; the service judges the fields."""

    prompt = serializers.CharField(max_length=PROMPT_CHARACTERS, required=False, allow_blank=True, default="")
    form = serializers.ListField(
        child=serializers.DictField(), max_length=FIELDS, help_text="Questions, as a gate shows them."
    )
    license = serializers.CharField(
        required=False, allow_null=True, default=None, help_text="Key of a license whose text is held here."
    )
    duration_days = serializers.IntegerField()
    grace_days = serializers.IntegerField(required=False, default=30)
    is_automatic = serializers.BooleanField(required=False, default=False)


class GrantSerializer(serializers.Serializer):
    """Leave to read a model's files, until when, and whether it was ended early."""

    id = serializers.IntegerField()
    variant = serializers.CharField()
    user = serializers.CharField()
    request = serializers.IntegerField(allow_null=True)
    state = serializers.ChoiceField(choices=GRANT_STATES)
    granted_by = serializers.CharField(allow_null=True)
    granted_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    revoked_at = serializers.DateTimeField(allow_null=True)
    revoked_reason = serializers.CharField(allow_blank=True)


class AccessRequestRowSerializer(serializers.Serializer):
    """A request in a list."""

    id = serializers.IntegerField()
    url = serializers.CharField()
    variant = serializers.CharField()
    user = serializers.CharField()
    state = serializers.ChoiceField(choices=REQUEST_STATES)
    asked_at = serializers.DateTimeField()
    decided_at = serializers.DateTimeField(allow_null=True)
    decided_by = serializers.CharField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)


class AccessRequestSerializer(AccessRequestRowSerializer):
    """A request in full, for its author and those who may read answers."""

    gate = serializers.IntegerField(allow_null=True, help_text="Version of the gate that was answered.")
    answers = serializers.DictField()
    accepted_text_sha256 = serializers.CharField(allow_blank=True)
    grants = GrantSerializer(many=True)
    actions = ActionSerializer(many=True)


class AccessSerializer(serializers.Serializer):
    """What the caller may do with a model, and the gate that stands before it."""

    variant = serializers.CharField()
    is_member = serializers.BooleanField()
    is_gated = serializers.BooleanField()
    expires_at = serializers.DateTimeField(allow_null=True)
    accept_by = serializers.DateTimeField(
        allow_null=True, help_text="By when a changed license text must be accepted for the grant to go on."
    )
    request = AccessRequestRowSerializer(allow_null=True)
    gate = GateSerializer(allow_null=True)
    actions = ActionSerializer(many=True)


class AskSerializer(serializers.Serializer):
    """Answers by the names of the gate's fields, and the digest of the license text that was read."""

    answers = serializers.DictField(required=False, default=dict)
    accepted_text_sha256 = serializers.CharField(required=False, allow_blank=True, max_length=71, default="")


class AcceptTextSerializer(serializers.Serializer):
    """The digest of the license text that was read."""

    accepted_text_sha256 = serializers.CharField(max_length=71)


class DecisionSerializer(serializers.Serializer):
    """Why; the service says whether a reason is needed."""

    reason = serializers.CharField(required=False, allow_blank=True, default="", trim_whitespace=True)


class NewGrantSerializer(serializers.Serializer):
    """Somebody who gets access without having asked."""

    user = serializers.CharField(max_length=96)
    days = serializers.IntegerField(required=False, allow_null=True, default=None)
