"""What the API answers about background work."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from jobs.models import Job
from jobs.states import JobState


@extend_schema_serializer(component_name="BackgroundJob")
class JobSerializer(serializers.ModelSerializer):
    """One piece of background work; `done` and `total` are in `unit`, bytes where it says so."""

    state = serializers.ChoiceField(choices=[state.value for state in JobState])
    percent = serializers.IntegerField(allow_null=True, help_text="Whole percent; null while the total is unknown.")
    seconds_left = serializers.FloatField(allow_null=True, help_text="Estimated from the last half minute.")

    part_of = serializers.UUIDField(source="whole_id", allow_null=True, help_text="The job that this is a part of.")

    class Meta:
        model = Job
        fields = [
            "id", "kind", "queue", "subject", "part_of", "state", "created_at", "run_after", "started_at",
            "finished_at", "attempts", "max_attempts", "worker", "stage", "done", "total", "unit", "percent",
            "seconds_left", "error_code", "error_message",
        ]  # fmt: skip
        read_only_fields = fields


class DeviceSerializer(serializers.Serializer):
    """Something that a worker can compute with."""

    id = serializers.CharField(source="name")
    kind = serializers.CharField()
    name = serializers.CharField(source="title")
    total_bytes = serializers.IntegerField()
    free_bytes = serializers.IntegerField(help_text="When it was last looked at.")


class WorkerSerializer(serializers.Serializer):
    """One worker process as it last reported itself."""

    name = serializers.CharField(source="worker.name", read_only=True)
    queues = serializers.ListField(source="worker.queues", child=serializers.CharField())
    devices = DeviceSerializer(many=True)
    started_at = serializers.DateTimeField(source="worker.started_at", read_only=True)
    seen_at = serializers.DateTimeField(source="worker.seen_at", read_only=True)
    is_alive = serializers.BooleanField(help_text="Whether it reported itself within a minute.")
