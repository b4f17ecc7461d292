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


class NewLicenseSerializer(serializers.Serializer):
    """A lab's own license; `key` succeeds one that was added before."""

    name = serializers.CharField(max_length=200)
    version = serializers.CharField(max_length=60, required=False, allow_blank=True, default="")
    text = serializers.CharField(max_length=TEXT_CHARACTERS, trim_whitespace=False)
    terms = serializers.DictField(required=False, default=dict, help_text="In the words of the catalog.")
    key = serializers.CharField(max_length=80, required=False, allow_blank=True, default="")
