"""What a run is measured on and against: the probe, a parent's report on the same probe, and an adapter's base.

Owns where each is looked for, and the sentence that the report keeps of it. A probe that a person declared counts
before one that lies in the checkpoint; without either, that of the model it was quantized from serves, or plain
English.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from registry.inference import record
from registry.models import Checkpoint, Commit, DeclaredProbe, Evidence, LineageEdge, Variant
from registry.selectors import head_of, serving_of
from registry.states import EvidenceKind, Level, Outcome, Relation
from smoke.by_token import TokenLosses
from smoke.probes import LIMIT_BYTES, LOSSES_BYTES, Probe
from smoke.report import SmokeReport

FILE = "smoke-probe.json"
"""The name under which a checkpoint carries its own probe, as `python -m smoke run --declare` writes it."""
LOOKED_AT = 20


@dataclass(frozen=True)
class Grounds:
    """What a run is judged by; `facts` is what the report keeps of it."""

    probe: Probe
    reference: SmokeReport | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


def grounds(checkpoint: Checkpoint, places: Mapping[str, Path]) -> Grounds:
    """The probe of a checkpoint and the report that its result is held against."""
    variant = variant_of(checkpoint)
    edges = _edges(variant)
    probe, said = _probe(variant, edges, places)
    said["text_sha256"] = probe.text_sha256
    reference, source = _reference(edges, probe, said["text_sha256"])
    return Grounds(probe, reference, {"probe": said, **({"reference": source} if source else {})})


def variant_of(checkpoint: Checkpoint) -> Variant | None:
    """The variant that a checkpoint was first committed to."""
    rows = Commit.objects.filter(checkpoint=checkpoint).select_related("variant__organization").order_by("pk")
    first = rows.first()
    return first.variant if first else None


def base_of(checkpoint: Checkpoint) -> Checkpoint | None:
    """The checkpoint that an adapter is put on, where it is not among its own files: the newest of the variant that
    lineage names as its base, or what another organization serves of it to everyone."""
    paths = set(checkpoint.files.filter(path__in=["adapter_config.json", "config.json"]).values_list("path", flat=True))
    if paths != {"adapter_config.json"}:
        return None
    variant = variant_of(checkpoint)
    edges = LineageEdge.objects.filter(child=variant, relation=Relation.ADAPTER, parent__isnull=False)
    parents = [edge.parent for edge in edges.select_related("parent")]
    if len(parents) != 1 or variant is None:
        return None
    if parents[0].organization_id != variant.organization_id:
        serving = serving_of(parents[0])
        return serving.checkpoint if serving and serving.level == Level.PUBLIC else None
    commit = head_of(parents[0])
    return commit.checkpoint if commit else None


def in_force(variant: Variant | None) -> DeclaredProbe | None:
    """The probe that a person declared for a variant."""
    rows = DeclaredProbe.objects.filter(superseded_at=None).select_related("declared_by")
    return rows.filter(variant=variant).first() if variant else None


def _probe(
    variant: Variant | None, edges: list[LineageEdge], places: Mapping[str, Path]
) -> tuple[Probe, dict[str, Any]]:
    if row := in_force(variant):
        sentence = f"Declared for the model by {row.declared_by} on {row.declared_at:%d %B %Y}."
        return _as_probe(row), {"source": "variant", "sentence": sentence}
    own, problem = _in_files(places)
    if own is not None:
        return own, {"source": "checkpoint", "sentence": f"{FILE}, in the checkpoint itself."}
    for edge in edges:
        row = in_force(edge.parent) if edge.relation == Relation.QUANTIZED else None
        if row is not None:
            # The parent's loss at full precision is not this model's declared loss: its report is the reference.
            probe = Probe(row.text, declared=True, bits_per_byte=None, window=row.window)
            return probe, {"source": "parent", "sentence": f"That of {edge.parent_name}, which it was quantized from."}
    plain = f"General English, since none was declared. {problem}".strip()
    return Probe.plain(), {"source": "plain", "sentence": plain}


def _as_probe(row: DeclaredProbe) -> Probe:
    losses = TokenLosses.from_json(row.token_losses) if row.token_losses is not None else None
    return Probe(row.text, declared=True, bits_per_byte=row.bits_per_byte, window=row.window, token_losses=losses)


def _in_files(places: Mapping[str, Path]) -> tuple[Probe | None, str]:
    """The probe that a checkpoint carries, or why it cannot be used."""
    place = places.get(FILE)
    if place is None:
        return None, ""
    try:
        if place.stat().st_size > LIMIT_BYTES + LOSSES_BYTES:
            return None, f"{FILE} is larger than {LIMIT_BYTES + LOSSES_BYTES} bytes."
        return Probe.from_json(json.loads(place.read_text(encoding="utf-8"))), ""
    except (OSError, ValueError, RecursionError) as error:
        return None, f"{FILE} could not be used: {str(error)[:200]}."


def _reference(
    edges: list[LineageEdge], probe: Probe, text_sha256: str
) -> tuple[SmokeReport | None, dict[str, Any] | None]:
    """The newest good report of a parent on the same probe.

    On plain English only a quantized model has to do as well as its parent; one trained on may speak otherwise.
    """
    for edge in edges:
        if not (probe.declared or edge.relation == Relation.QUANTIZED):
            continue
        rows = Evidence.objects.filter(
            kind=EvidenceKind.SMOKE,
            outcome__in=[Outcome.PASS, Outcome.WARN],
            checkpoint__commits__variant=edge.parent,
            report__record__probe__text_sha256=text_sha256,
        ).select_related("checkpoint")
        for row in rows.order_by("-id")[:LOOKED_AT]:
            try:
                found = SmokeReport.from_json(row.report)
            except (KeyError, TypeError, ValueError):
                continue
            return found, {
                "evidence": row.pk,
                "checkpoint": row.checkpoint.digest,
                "relation": edge.relation,
                "report_sha256": record.digest(row.report),
                "sentence": f"The report of {edge.parent_name}, its parent, of {row.made_at:%d %B %Y}.",
            }
    return None, None


def _edges(variant: Variant | None) -> list[LineageEdge]:
    """To the parents in the variant's own organization: probes and reports of others are for their members."""
    if variant is None:
        return []
    rows = LineageEdge.objects.filter(child=variant, parent__organization=variant.organization_id)
    return list(rows.select_related("parent__organization").order_by("id"))
