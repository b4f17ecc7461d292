"""What the API answers about a validation; nothing of it is a fingerprint."""

from __future__ import annotations

from rest_framework import serializers

from weights import Severity, Verdict

SEVERITIES = [severity.value for severity in Severity]


class DtypeSerializer(serializers.Serializer):
    """All tensors of one data type together."""

    dtype = serializers.CharField()
    tensors = serializers.IntegerField()
    elements = serializers.IntegerField()
    size_bytes = serializers.IntegerField()


class SeverityCountSerializer(serializers.Serializer):
    """How many findings of one severity there are."""

    severity = serializers.ChoiceField(choices=SEVERITIES)
    count = serializers.IntegerField()


class ValidationSerializer(serializers.Serializer):
    """The newest validation of a checkpoint; the lists are at addresses of their own."""

    checkpoint = serializers.CharField()
    verdict = serializers.ChoiceField(choices=[verdict.value for verdict in Verdict])
    rules_version = serializers.CharField()
    tool = serializers.CharField()
    tool_version = serializers.CharField()
    made_at = serializers.DateTimeField()
    files = serializers.IntegerField(allow_null=True)
    tensors = serializers.IntegerField(allow_null=True)
    parameters = serializers.IntegerField(allow_null=True)
    size_bytes = serializers.IntegerField(allow_null=True)
    seconds = serializers.FloatField(allow_null=True)
    findings = SeverityCountSerializer(many=True)
    dtypes = DtypeSerializer(many=True)


class FindingSerializer(serializers.Serializer):
    """One thing that a check saw; `path` is empty where it is the checkpoint as a whole."""

    check = serializers.CharField()
    severity = serializers.ChoiceField(choices=SEVERITIES)
    path = serializers.CharField(allow_blank=True)
    tensor = serializers.CharField(allow_blank=True)
    offset = serializers.IntegerField(allow_null=True, help_text="Byte in the file.")
    message = serializers.CharField()
    evidence = serializers.CharField(allow_blank=True)
    title = serializers.CharField()
    meaning = serializers.CharField()
    fix = serializers.CharField()


class TensorSerializer(serializers.Serializer):
    """One tensor: what its file states and what was measured. Mean and RMS are of a sample, the rest of all values."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    path = serializers.CharField()
    dtype = serializers.CharField()
    shape = serializers.ListField(child=serializers.IntegerField())
    elements = serializers.IntegerField()
    size_bytes = serializers.IntegerField()
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    mean = serializers.FloatField(allow_null=True)
    rms = serializers.FloatField(allow_null=True)
    zeros = serializers.IntegerField(help_text="Elements, or blocks of a quantized type.")
    zero_share = serializers.FloatField()
    nans = serializers.IntegerField()
    infinities = serializers.IntegerField()


class InspectedFileSerializer(serializers.Serializer):
    """One file of the report; `is_complete` is false where limits ended its reading."""

    path = serializers.CharField()
    size_bytes = serializers.IntegerField()
    sha256 = serializers.CharField()
    tensors = serializers.IntegerField()
    is_complete = serializers.BooleanField()
    findings = SeverityCountSerializer(many=True)


class RelatedTensorSerializer(serializers.Serializer):
    """One tensor and its counterpart in the other checkpoint."""

    name = serializers.CharField()
    other = serializers.CharField(allow_null=True)
    relation = serializers.CharField()
    similarity = serializers.FloatField(allow_null=True)
    share = serializers.FloatField(help_text="The part of its rows that was found.")


class ComparisonSerializer(serializers.Serializer):
    """How a checkpoint relates to another; `tensors` has those with a counterpart, up to 1,000."""

    relation = serializers.CharField()
    shared = serializers.IntegerField()
    shared_share = serializers.FloatField()
    other_share = serializers.FloatField()
    missing = serializers.IntegerField()
    tensors = RelatedTensorSerializer(many=True)
