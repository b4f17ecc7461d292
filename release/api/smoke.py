"""The API of smoke inference: whole reports, what was run of a variant, its declared probe, and devices."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from jobs import policies as jobs_policies
from jobs import subjects
from registry.inference import record
from registry.inference.declared import in_force
from registry.models import DeclaredProbe, Evidence
from registry.selectors import actor_for, evidence_work
from registry.services.probes import declare_probe
from registry.states import EvidenceKind, Outcome
from release import evidence_policies
from release.api import representations
from release.api import serializers as shapes
from release.api.releases import PROBLEMS
from release.api.variants import VariantView
from release.presenters import devices as shown
from release.selectors import smoke as reads
from release.selectors import variants as selectors
from release.selectors.devices import Seen, devices_seen_by
from rules import Refused
from smoke.probes import WINDOW

OUTCOMES = [outcome.value for outcome in Outcome]


class SmokeReportSerializer(serializers.Serializer):
    """One smoke run. `report` is the tool's own document; `report_sha256` is that of its canonical form: keys sorted,
    no spaces, UTF-8."""

    id = serializers.IntegerField()
    checkpoint = serializers.CharField()
    outcome = serializers.ChoiceField(choices=OUTCOMES)
    summary = serializers.CharField()
    basis = serializers.CharField(help_text="`declared_loss`, `reference_report` or `none`.")
    tool = serializers.CharField()
    tool_version = serializers.CharField()
    rules_version = serializers.CharField()
    made_at = serializers.DateTimeField()
    report_sha256 = serializers.CharField()
    report = serializers.JSONField()
    job = shapes.JobSerializer(allow_null=True)
    actions = shapes.ActionSerializer(many=True)


class SmokeRunSerializer(serializers.Serializer):
    """One run in the history of a variant, without its report."""

    id = serializers.IntegerField()
    checkpoint = serializers.CharField()
    outcome = serializers.ChoiceField(choices=OUTCOMES)
    made_at = serializers.DateTimeField()
    device = serializers.CharField(allow_null=True)
    quantization = serializers.CharField(allow_null=True)
    bits_per_byte = serializers.FloatField(allow_null=True)
    tokens_per_second = serializers.FloatField(allow_null=True)


class ProbeSerializer(serializers.Serializer):
    """What a variant is read on, as somebody declared it."""

    text = serializers.CharField(trim_whitespace=False, help_text="Held out of training; up to 256 KiB.")
    bits_per_byte = serializers.FloatField(
        required=False, allow_null=True, default=None, help_text="The loss measured on it at export."
    )
    window = serializers.IntegerField(required=False, default=WINDOW, help_text="Tokens read at once, in both runs.")
    token_losses = serializers.JSONField(
        required=False, allow_null=True, default=None,
        help_text="The loss of each token and how it was measured, as `python -m smoke run --declare` writes them.",
    )  # fmt: skip
    text_sha256 = serializers.CharField(read_only=True)
    declared_by = serializers.CharField(read_only=True)
    declared_at = serializers.DateTimeField(read_only=True)


class DeviceWorkSerializer(serializers.Serializer):
    """What runs on a device now; without a subject where that is not for the caller."""

    subject = serializers.CharField(allow_null=True)
    job = serializers.CharField(allow_null=True)
    stage = serializers.CharField()


class RegisteredDeviceSerializer(serializers.Serializer):
    """A device that a worker registered. One that fell silent stays, with `is_live` false."""

    worker = serializers.CharField()
    id = serializers.CharField(help_text="As the worker calls it, such as `cuda:0`.")
    kind = serializers.CharField()
    name = serializers.CharField()
    uuid = serializers.CharField()
    queue = serializers.CharField()
    state = serializers.CharField(help_text="As the page says it: ready, working, gone, signed off, no engine.")
    is_live = serializers.BooleanField()
    total_bytes = serializers.IntegerField()
    free_bytes = serializers.IntegerField(help_text="At `looked_at`.")
    description = serializers.JSONField(help_text="All that the worker says of it.")
    first_seen_at = serializers.DateTimeField()
    looked_at = serializers.DateTimeField()
    seen_at = serializers.DateTimeField()
    works_on = DeviceWorkSerializer(allow_null=True)


class SmokeView(VariantView):
    """What the views of smoke inference share."""

    pagination_class = None


class Report(SmokeView):
    """One smoke run of a checkpoint."""

    @extend_schema(
        operation_id="smoke_retrieve",
        parameters=[OpenApiParameter("run", OpenApiTypes.INT, description="Its number; the newest by default.")],
        responses={200: SmokeReportSerializer, **PROBLEMS},
    )
    def get(self, request: Request, organization: str, name: str, digest: str) -> Response:
        """Read a whole report, with the work on another. Running again and stopping are acts on evidence."""
        seen = self.inside(organization, name)
        checkpoint = selectors.commit_of(seen.variant, digest).checkpoint
        found = reads.report_of(checkpoint, request.query_params.get("run", ""))
        if found is None:
            raise Refused.because(evidence_policies.NO_RUN, digest=digest[:19])
        job = evidence_work(checkpoint).get(EvidenceKind.SMOKE)
        body = _report(found) | {
            "job": representations.job(job),
            "actions": [representations.action(verb, self.may_run(seen)) for verb in ("run evidence", "stop evidence")],
        }
        return Response(SmokeReportSerializer(body).data)


class Runs(SmokeView):
    """What was run of a variant."""

    @extend_schema(operation_id="smoke_runs_list", responses={200: SmokeRunSerializer(many=True), **PROBLEMS})
    def get(self, request: Request, organization: str, name: str) -> Response:
        """List the 40 newest runs of all checkpoints."""
        rows = reads.runs_of(self.inside(organization, name).variant)
        return Response(SmokeRunSerializer(rows, many=True).data)


class Probe(SmokeView):
    """The declared probe of a variant."""

    @extend_schema(operation_id="probe_retrieve", responses={200: ProbeSerializer, **PROBLEMS})
    def get(self, request: Request, organization: str, name: str) -> Response:
        """Read the probe in force."""
        found = in_force(self.inside(organization, name).variant)
        if found is None:
            raise Refused.because(evidence_policies.NO_PROBE)
        return Response(ProbeSerializer(_probe(found)).data)

    @extend_schema(operation_id="probe_declare", request=ProbeSerializer, responses={200: ProbeSerializer, **PROBLEMS})
    def put(self, request: Request, organization: str, name: str) -> Response:
        """Declare what the next runs read, and the loss that was measured on it; the one before stays on record."""
        seen = self.inside(organization, name)
        evidence_policies.may_declare_probe(actor_for(request.user, seen.variant.organization, request.auth)).require()
        made = declare_probe(variant=seen.variant, by=request.user, **self.given(ProbeSerializer))
        return Response(ProbeSerializer(_probe(made)).data, status=status.HTTP_200_OK)


class Devices(APIView):
    """What smoke inference can run on."""

    @extend_schema(
        summary="List devices",
        operation_id="devices_list",
        responses={200: RegisteredDeviceSerializer(many=True), 401: PROBLEMS[401], 403: PROBLEMS[403]},
        tags=["jobs"],
    )
    def get(self, request: Request) -> Response:
        """Answer all devices that workers registered, the living first; the 200 heard of last."""
        jobs_policies.may_see_workers(is_concerned=subjects.are_shown_to(request.user)).require()
        return Response(
            RegisteredDeviceSerializer([_device(one) for one in devices_seen_by(request.user)], many=True).data
        )


def _report(row: Evidence) -> dict[str, Any]:
    names = ("id", "outcome", "summary", "tool", "tool_version", "rules_version", "made_at", "report")
    return {name: getattr(row, name) for name in names} | {
        "checkpoint": row.checkpoint.digest,
        "basis": record.basis(row.report) if row.outcome != Outcome.NOT_RUN else "none",
        "report_sha256": record.digest(row.report),
    }


def _probe(row: DeclaredProbe) -> dict[str, Any]:
    names = ("text", "bits_per_byte", "window", "token_losses", "declared_at")
    shown_names = {name: getattr(row, name) for name in names}
    return shown_names | {"text_sha256": f"sha256:{row.text_sha256}", "declared_by": row.declared_by.username}


def _device(one: Seen) -> dict[str, Any]:
    row = one.device
    names = (
        "worker", "kind", "uuid", "queue", "total_bytes", "free_bytes", "description", "first_seen_at", "looked_at",
        "seen_at",
    )  # fmt: skip
    work = None
    if one.job is not None:
        is_own = one.subject is not None
        work = {
            "subject": one.subject.label if one.subject else None,
            "job": representations.job_url(one.job) if is_own else None,
            "stage": one.job.stage if is_own else "",
        }
    return {name: getattr(row, name) for name in names} | {
        "id": row.name,
        "name": row.title,
        "state": shown.status_of(one).label.lower(),
        "is_live": one.is_live,
        "works_on": work,
    }
