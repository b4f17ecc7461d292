"""Reads of gates: which one is in force."""

from __future__ import annotations

from gating.facts import GateFacts
from gating.models import GateActivation, GateVersion
from registry.models import Variant

# A model whose owner only switched its gate on, without a form: asking is all there is to do.
BARE_GATE = GateFacts(0, 0)


def gate_in_force(variant: Variant) -> GateVersion | None:
    """The gate that requesters meet now: the newest under direct control, else the one a release put in force."""
    loaded = ("license_version__license",)
    if variant.organization.is_direct_control:
        return GateVersion.objects.filter(variant=variant).select_related(*loaded).order_by("-number").first()
    activation = (
        GateActivation.objects.filter(variant=variant)
        .select_related("gate_version__license_version__license")
        .order_by("-id")
        .first()
    )
    return activation.gate_version if activation else None


def newest_gate(variant: Variant) -> GateVersion | None:
    """The gate as it was last written, in force or not: what a new release draft takes."""
    return GateVersion.objects.filter(variant=variant).select_related("license_version").order_by("-number").first()


def gates_of(variant: Variant) -> list[GateVersion]:
    """All versions of a variant's gate, newest first."""
    rows = GateVersion.objects.filter(variant=variant).select_related("license_version__license", "made_by")
    return list(rows.defer("license_version__text").order_by("-number"))


def gate_facts(variant: Variant, gate: GateVersion | None) -> GateFacts | None:
    """The gate as the rules see it; under direct control there always is one, if only a bare one."""
    if gate is None:
        return BARE_GATE if variant.organization.is_direct_control else None
    version = gate.license_version
    return GateFacts(gate.pk, gate.number, version.text_sha256 if version else "")
