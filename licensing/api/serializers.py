"""The shapes in which the API shows and takes licenses; nothing here is written to a row."""

from __future__ import annotations

from rest_framework import serializers

from licensing.policies import TEXT_CHARACTERS
from licensing.terms import Certainty, Kind
from web.problems import ActionSerializer

LICENSE_KINDS = [kind.value for kind in Kind]


class LicenseReferenceSerializer(serializers.Serializer):
    """A license version by key, version and the digest of its text."""

    key = serializers.CharField()
    version = serializers.CharField()
    text_sha256 = serializers.CharField()


class LicenseRowSerializer(serializers.Serializer):
    """A license in a list, with what is known of its current version."""

    key = serializers.CharField()
    url = serializers.CharField()
    name = serializers.CharField()
    spdx_id = serializers.CharField()
    kind = serializers.ChoiceField(choices=LICENSE_KINDS)
    is_custom = serializers.BooleanField()
    card = serializers.DictField(child=serializers.CharField(), help_text="The keys that name it in a model card.")
    version = serializers.CharField()
    certainty = serializers.ChoiceField(choices=[certainty.value for certainty in Certainty])
    text_sha256 = serializers.CharField(help_text="Empty where the text is not held here.")


class LicenseVersionSerializer(serializers.Serializer):
    """One version in a license's own list."""

    id = serializers.IntegerField()
    version = serializers.CharField()
    text_sha256 = serializers.CharField()
    recorded_at = serializers.DateTimeField()


class LicenseSerializer(LicenseRowSerializer):
    """A license in full: terms as data, how they are known, and the text. Facts, not legal advice."""

    licensor = serializers.CharField()
    aliases = serializers.ListField(child=serializers.CharField())
    terms = serializers.JSONField()
    sources = serializers.ListField(child=serializers.CharField())
    unverified = serializers.ListField(child=serializers.CharField(), help_text="Terms that are doubtful.")
    text = serializers.CharField()
    versions = LicenseVersionSerializer(many=True)
    actions = ActionSerializer(many=True)


class AcceptanceSerializer(serializers.Serializer):
    """Who accepted which text, for which model; `name` and `from_address` are gone where the person was erased."""

    id = serializers.IntegerField()
    accepted_at = serializers.DateTimeField()
    person = serializers.CharField(help_text="The user name, or the pseudonym of somebody who was erased.")
    name = serializers.CharField()
    organization = serializers.CharField(allow_blank=True)
    license = serializers.CharField()
    license_version = serializers.CharField(allow_blank=True)
    text_sha256 = serializers.CharField()
    model = serializers.CharField()
    form_version = serializers.IntegerField()
    from_address = serializers.CharField(allow_blank=True)
    agent_sha256 = serializers.CharField(allow_blank=True, help_text="SHA-256 of the browser's name.")
    is_erased = serializers.BooleanField()


class ExportSerializer(serializers.Serializer):
    """Which acceptances to hand out, and how."""

    form = serializers.ChoiceField(choices=["csv", "jsonl"], default="csv")
    person = serializers.CharField(required=False, allow_blank=True, default="")
    organization = serializers.CharField(required=False, allow_blank=True, default="")
    model = serializers.CharField(required=False, allow_blank=True, default="")
    license = serializers.CharField(required=False, allow_blank=True, default="")
    text = serializers.CharField(required=False, allow_blank=True, default="")
    since = serializers.CharField(required=False, allow_blank=True, default="")
    until = serializers.CharField(required=False, allow_blank=True, default="")


class LicenseCaseSerializer(serializers.Serializer):
    """A license case, in the format of `manage.py check_license`; a missing key means that a fact is unknown."""

    parents = serializers.ListField(child=serializers.DictField(), required=False)
    proposed = serializers.DictField(required=False)
    actor = serializers.DictField(required=False)
    release = serializers.DictField(required=False)


class DutySerializer(serializers.Serializer):
    """One duty."""

    id = serializers.CharField(help_text="OB-…")
    satisfied = serializers.BooleanField(allow_null=True)

    def get_fields(self) -> dict[str, serializers.Field]:
        """The origin is called `from`, which is a word of the language."""
        return {**super().get_fields(), "from": serializers.CharField()}


class ViolationSerializer(serializers.Serializer):
    """One thing that stands against the release."""

    id = serializers.CharField(help_text="CF-…")
    message = serializers.CharField()
    fix = serializers.CharField()

    def get_fields(self) -> dict[str, serializers.Field]:
        """The origin is called `from`, which is a word of the language."""
        return {**super().get_fields(), "from": serializers.CharField()}


class AssessmentSerializer(serializers.Serializer):
    """The verdict on a case, as the command prints it. Facts in our own words, not legal advice."""

    verdict = serializers.ChoiceField(choices=["allow", "conditions", "review", "deny"])
    obligations = DutySerializer(many=True)
    violations = ViolationSerializer(many=True)
    reasons = serializers.ListField(child=serializers.CharField())


class NewLicenseSerializer(serializers.Serializer):
    """A lab's own license; `key` succeeds one that was added before."""

    name = serializers.CharField(max_length=200)
    version = serializers.CharField(max_length=60, required=False, allow_blank=True, default="")
    text = serializers.CharField(max_length=TEXT_CHARACTERS, trim_whitespace=False)
    terms = serializers.DictField(required=False, default=dict, help_text="In the words of the catalog.")
    key = serializers.CharField(max_length=80, required=False, allow_blank=True, default="")
