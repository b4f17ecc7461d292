"""Declaring what a variant is measured on."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

import audit.services as audit
from accounts.models import User
from registry import policies
from registry.models import DeclaredProbe, Variant
from rules import Refused
from smoke.probes import LIMIT_BYTES, WINDOW, Probe


@transaction.atomic
def declare_probe(
    *,
    variant: Variant,
    text: str,
    by: User,
    bits_per_byte: float | None = None,
    window: int = WINDOW,
    token_losses: Any = None,
) -> DeclaredProbe:
    """Put a probe in force for the next runs of a variant; Refused where the text or a number cannot be used.

    `token_losses` is an object as `TokenLosses.to_json` writes it. The same probe again changes nothing.
    """
    probe = _checked(text, bits_per_byte, window, token_losses)
    losses = probe.token_losses.to_json() if probe.token_losses is not None else None
    Variant.objects.select_for_update(no_key=True).get(pk=variant.pk)
    now = timezone.now()
    known = DeclaredProbe.objects.filter(variant=variant, superseded_at=None).first()
    given = (probe.text, probe.bits_per_byte, probe.window, losses)
    if known and (known.text, known.bits_per_byte, known.window, known.token_losses) == given:
        return known
    if known:
        known.superseded_at = now
        known.save(update_fields=["superseded_at"])
    made = DeclaredProbe.objects.create(
        variant=variant,
        text=probe.text,
        text_sha256=probe.text_sha256,
        bits_per_byte=probe.bits_per_byte,
        window=probe.window,
        token_losses=losses,
        declared_by=by,
        declared_at=now,
    )
    audit.record(
        "registry:probe:declared",
        subject=variant,
        actor=by,
        at=now,
        organization=variant.organization.name,
        text_sha256=made.text_sha256,
        bits_per_byte=made.bits_per_byte,
        token_losses=len(probe.token_losses.nats) if probe.token_losses is not None else 0,
    )
    return made


def _checked(text: str, bits_per_byte: float | None, window: int, token_losses: Any) -> Probe:
    size = len(text.encode(errors="replace"))
    if size > LIMIT_BYTES:
        raise Refused.because(policies.BAD_PROBE, problem=f"its text has {size} bytes, more than {LIMIT_BYTES}")
    try:
        text.encode()
        if "\0" in text:
            raise ValueError("its text holds a NUL character")
        return Probe.from_json(
            {"text": text, "bits_per_byte": bits_per_byte, "window": window, "token_losses": token_losses}
        )
    except ValueError as error:
        raise Refused.because(policies.BAD_PROBE, problem=error) from error
