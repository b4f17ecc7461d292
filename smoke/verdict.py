"""From measurements to metrics: every threshold of smoke inference, in one place.

Owns: the rules, their numbers, and the sentence each gives. Refuses to own: taking measurements (`smoke.runner`), which
may have been taken by a process that a hostile checkpoint took over: what is absent or of the wrong type is not ok.
Pure; needs no torch.

The numbers were fitted on small models (see `docs/decisions`). Rules that hold for any trained
model fail a run; rules that were only seen to hold on a few models warn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

from smoke.checkpoint import ENCODER, ENCODER_DECODER
from smoke.comparison import against, likeness
from smoke.demand import size
from smoke.readings import Measured, gains, listed, names, part, unmeasured, value
from smoke.report import Metric, Severity

RULES_VERSION = "2026.11.5"
"""The set of rules here, in `smoke.comparison`, `smoke.descent` and `smoke.by_token`; a report is bound to it."""

IN_DOMAIN_SHARE = 0.6
ANY_TEXT_SHARE = 0.95
ORDER_GAP_NATS = 1.0
CALIBRATION_NATS = 0.5
ENTROPY_FLOOR_NATS, ENTROPY_CEILING_SHARE = 0.05, 0.9
SKIP_NATS, UPDATE_SHARE = -0.02, 0.01
DAMPING_WARN_PERCENT, DAMPING_FAIL_PERCENT = -1.0, -3.0
FOREIGN_SKIP_NATS, FOREIGN_DAMPING_PERCENT = -0.1, -5.0
"""On text that may be foreign to a model its last blocks make it too sure of itself: healthy ones gain up to 2.1
percent where a part is turned down, and 0.03 nats without a block; on their own probes 0.4 percent."""
SUSPICIONS = ("repairs", "damping", "block_skip")
"""Rules that suspect damage where a change helps; what was declared can prove them wrong."""
SETTLED_PERCENT = 0.1
"""Less than the least gain that is suspected."""
PARAPHRASES_FOUND, STRANGERS_COSINE = 0.5, 0.9999
AGREEMENT = 0.95

EXACT = ("transposed", "swapped", "order", "rows", "tie", "heads", "rotary", "norms", "sign", "outliers")
"""Changes that only an accident calls for. Healthy models gained 0.2 percent at most, within one standard error."""
EXACT_WARN, EXACT_FAIL = (0.15, 3.5), (0.5, 4.5)
"""Percent of the loss, and standard errors: with hundreds of changes tried, chance alone reaches three of these."""
GRADUAL_WARN, GRADUAL_FAIL = (0.3, 4.5), (2.0, 4.5)
"""For changes of degree, where foreign text asks for a little more or less: 0.17 percent in healthy models."""
FOREIGN_TIMES = 2.0
"""A model that is too sure of itself on every text it is put to gains more by chance: 0.3 percent, by degree 0.5."""


def judge(
    measured: Measured, *, quantization: str, reference: Measured | None = None, is_parent: bool = False
) -> tuple[Metric, ...]:
    """Metrics of one run, in the order of measurement.

    `reference` holds the measurements of an earlier report; `is_parent` says that it is of the model that this one was
    made from, so that the weights and their loss may differ.
    """
    rules: list[Callable[[Measured], list[Metric]]] = [files, settings, tokens, finiteness]
    if part(measured, "tokenizer").get("present") is True:
        rules += [representations] if measured.get("architecture") == ENCODER else [language, depth]
    rules += [mending, generation, resources]
    metrics = [metric for rule in rules for metric in rule(measured)]
    metrics += likeness(measured, quantization)
    compared = against(measured, quantization, reference, is_parent=is_parent)
    return (*refuted(metrics, compared), *compared)


def refuted(metrics: list[Metric], compared: list[Metric]) -> list[Metric]:
    """Suspicions a degree milder where the loss is that of the reference, as near as makes no difference.

    Undoing damage gains what the damage cost. Where it cost nothing, whatever else gains was so when the model was
    exported: a model may be trained too little, or too long on too few texts.
    """
    losses = [m for m in compared if m.code in ("reference", "reference_loss") and m.unit == "percent"]
    if not any(m.ok and m.value is not None and abs(m.value) <= SETTLED_PERCENT for m in losses):
        return metrics
    milder = {Severity.FAIL: Severity.WARN, Severity.WARN: Severity.NOTE}
    return [
        replace(m, severity=milder.get(m.severity, m.severity)) if m.code in SUSPICIONS and not m.ok else m
        for m in metrics
    ]


def files(measured: Measured) -> list[Metric]:
    """Rules on tensors and their names, before anything is computed."""
    findings = part(measured, "static").get("findings")
    if not isinstance(findings, (list, tuple)):
        metrics = [unmeasured("tensors", "Tensor statistics")]
    else:
        told = [f"{f.get('tensor')}: {f.get('detail')}" for f in findings if isinstance(f, Mapping)]
        is_grave = not all(isinstance(f, Mapping) and f.get("severity") == "warn" for f in findings)
        metrics = [
            Metric(
                "tensors",
                "Tensor statistics",
                float(len(findings)),
                "no finding",
                not findings,
                listed(told) or "Every tensor is finite, filled, and of the size of its siblings.",
                Severity.FAIL if is_grave else Severity.WARN,
                "findings",
            )
        ]
    for code, name, severity in (
        ("missing_keys", "Missing tensors", Severity.FAIL),
        ("mismatched_keys", "Tensors of another shape", Severity.FAIL),
        ("unexpected_keys", "Tensors the architecture does not know", Severity.WARN),
    ):
        found = names(measured, "keys", code)
        if found is None:
            metrics.append(unmeasured(code, name))
        else:
            reason = listed(found) or "None."
            metrics.append(Metric(code, name, float(len(found)), "0", not found, reason, severity, "tensors"))
    return metrics


def settings(measured: Measured) -> list[Metric]:
    """Rules on the configuration, beside the tokenizer and the tensors."""
    found = measured.get("coherence")
    if not isinstance(found, (list, tuple)):
        return []
    told = [str(f.get("detail")) for f in found if isinstance(f, Mapping)]
    severity = (
        Severity.FAIL if any(isinstance(f, Mapping) and f.get("severity") == "fail" for f in found) else Severity.WARN
    )
    reason = listed(told) or "No setting is out of bounds or contradicts the tokenizer."
    return [Metric("settings", "Settings", float(len(found)), "no finding", not found, reason, severity, "findings")]


def tokens(measured: Measured) -> list[Metric]:
    """Rules on the tokenizer and the chat template."""
    facts = part(measured, "tokenizer")
    if facts.get("present") is not True:
        reason = str(facts.get("error") or "The checkpoint has no tokenizer, so no text could be put to it.")
        return [Metric("tokenizer", "Tokenizer", None, "loads", False, reason, Severity.WARN)]
    largest, rows = value(facts, "largest_id"), value(facts, "embedding_rows")
    fits = largest is not None and rows is not None and largest < rows
    metrics = [
        Metric(
            "tokenizer",
            "Tokenizer",
            largest,
            f"largest id below {rows:.0f}" if rows is not None else "largest id below the rows of the embedding",
            fits,
            "Every token has a row in the embedding." if fits else "Tokens exist for which the embedding has no row.",
        )
    ]
    template = part(measured, "template")
    if template.get("present") is True:
        error = template.get("error")
        metrics.append(
            Metric(
                "chat_template", "Chat template", None, "renders", not error, str(error or "It renders a conversation.")
            )
        )
    return metrics


def finiteness(measured: Measured) -> list[Metric]:
    """Every logit of every forward pass is a number."""
    found = measured.get("finite")
    if not isinstance(found, bool):
        return [unmeasured("finite_logits", "Finite logits")]
    reason = "Every logit was finite." if found else "The model computes infinities or NaN."
    return [Metric("finite_logits", "Finite logits", float(found), "all", found, reason)]


def language(measured: Measured) -> list[Metric]:
    """Rules on the likelihood of the probe text. A declared probe is in the model's domain, so it is judged sharply."""
    probe = part(measured, "probe")
    # trained to fill gaps, an encoder-decoder may be healthy and yet continue no text: there, these rules only warn
    grave = Severity.WARN if measured.get("architecture") == ENCODER_DECODER else Severity.FAIL
    is_declared = probe.get("declared") is True
    bits, entropy_bits = value(measured, "bits_per_byte"), value(probe, "byte_entropy_bits")
    nats, unigram = value(measured, "nats_per_token"), value(probe, "unigram_nats")
    shuffled, spread = value(measured, "shuffled_nats"), value(measured, "mean_entropy")
    vocabulary = value(measured, "vocabulary")
    metrics: list[Metric] = []
    if bits is None or entropy_bits is None or nats is None or shuffled is None or spread is None:
        return [unmeasured("bits_per_byte", "Bits per byte")]

    limit = (IN_DOMAIN_SHARE if is_declared else ANY_TEXT_SHARE) * entropy_bits
    text = "its declared probe" if is_declared else "plain English"
    ok = bits <= limit
    reason = f"{bits:.3f} on {text}; counting byte frequencies alone gives {entropy_bits:.3f}."
    name, proportion = best_language(measured)
    if not is_declared and name:
        ok = ok or proportion <= ANY_TEXT_SHARE
        reason += f" Of all languages it reads {name} best, at {proportion:.2f} of what its bytes alone would need."
    metrics.append(Metric("bits_per_byte", "Bits per byte", bits, f"at most {limit:.3f}", ok, reason, grave, "bits"))

    gap = shuffled - nats
    ok, threshold = gap >= ORDER_GAP_NATS, f"at least {ORDER_GAP_NATS}"
    reason = f"Shuffling the tokens of the probe costs {gap:.2f} nats each."
    metrics.append(Metric("order_gap", "Order gap", gap, threshold, ok, reason, grave, "nats"))
    if is_declared and unigram is not None:
        ok = nats <= unigram
        reason = f"{nats:.2f} nats per token; the probe's own token frequencies give {unigram:.2f}."
        metrics.append(
            Metric("unigram", "Better than token counts", nats, f"at most {unigram:.2f}", ok, reason, grave, "nats")
        )
        drift = nats - spread  # noted only: trained long on few texts, a healthy model is too sure of itself on others
        ok = drift <= CALIBRATION_NATS
        reason = f"It is surprised {drift:+.2f} nats more than it expects to be."
        metrics.append(
            Metric(
                "calibration", "Calibration", drift, f"at most {CALIBRATION_NATS}", ok, reason, Severity.NOTE, "nats"
            )
        )
    if vocabulary is not None and vocabulary > 1:
        ceiling = ENTROPY_CEILING_SHARE * math.log(vocabulary)
        ok = ENTROPY_FLOOR_NATS <= spread <= ceiling
        threshold = f"{ENTROPY_FLOOR_NATS} to {ceiling:.2f}"
        reason = f"Predictions hold {spread:.2f} nats; knowing nothing would be {math.log(vocabulary):.2f}."
        metrics.append(Metric("mean_entropy", "Mean entropy", spread, threshold, ok, reason, unit="nats"))
    return metrics


def best_language(measured: Measured) -> tuple[str, float]:
    """The language with the lowest loss beside the entropy of its bytes, and that proportion."""
    found = part(measured, "languages")
    shares = []
    for name in found:
        bits, entropy = value(found, name, "bits_per_byte"), value(found, name, "byte_entropy_bits")
        if bits is not None and entropy:
            shares.append((bits / entropy, str(name)[:20]))
    share, name = min(shares, default=(math.inf, ""))
    return name, share


def depth(measured: Measured) -> list[Metric]:
    """Rules on single blocks: a trained block helps, so one whose absence helps is damaged."""
    facts = part(measured, "depth")
    looked = facts.get("blocks")
    base = value(facts, "nats_per_token")
    if not isinstance(looked, (list, tuple)) or not looked or not base:
        return []
    is_declared = part(measured, "probe").get("declared") is True
    grave = Severity.FAIL if is_declared else Severity.WARN
    least_skip = SKIP_NATS if is_declared else FOREIGN_SKIP_NATS
    least_damping = DAMPING_WARN_PERCENT if is_declared else FOREIGN_DAMPING_PERCENT
    skips = [(value(b, "skip_nats"), str(b.get("block"))) for b in looked if isinstance(b, Mapping)]
    damped = [
        (value(part(b, "damped_nats"), name), f"{b.get('block')} {name}")
        for b in looked
        if isinstance(b, Mapping)
        for name in part(b, "damped_nats")
    ]
    coverage = f"{len(looked)} of {facts.get('total')} blocks looked at."
    metrics = []
    worst, where = min(((n, w) for n, w in skips if n is not None), default=(None, ""))
    if worst is not None:
        ok = worst >= least_skip
        reason = f"Without block {where} the loss changes by {worst:+.3f} nats. {coverage}"
        metrics.append(
            Metric("block_skip", "Every block helps", worst, f"at least {least_skip}", ok, reason, grave, "nats")
        )
    worst, where = min(((n, w) for n, w in damped if n is not None), default=(None, ""))
    if worst is not None:
        percent = 100 * worst / base
        severity = grave if percent < DAMPING_FAIL_PERCENT else Severity.WARN
        reason = f"With block {where} the loss changes by {percent:+.1f} percent. {coverage}"
        ok, threshold = percent >= least_damping, f"at least {least_damping}"
        metrics.append(Metric("damping", "Every part is as strong as it should be", percent, threshold, ok, reason,
                              severity, "percent"))  # fmt: skip
    updates = facts.get("updates")
    numbers = [n for n in updates if isinstance(n, float)] if isinstance(updates, (list, tuple)) else []
    if numbers:
        least = min(numbers)
        reason = f"Block {numbers.index(least)} changes what passes through it by {least:.3f} of its size."
        ok, threshold = least >= UPDATE_SHARE, f"at least {UPDATE_SHARE}"
        metrics.append(Metric("block_update", "No block is idle", least, threshold, ok, reason, Severity.WARN, "share"))
    return metrics


def mending(measured: Measured) -> list[Metric]:
    """No simple change that can be undone makes a trained model better. One that does undoes what was done to it."""
    facts = part(measured, "repairs")
    tried = value(facts, "tried")
    if not tried:
        return []
    is_foreign = (value(facts, "temperature") or 1.0) > 1.0
    graded = [(grade(*gain[:3], is_foreign=is_foreign), *gain) for gain in gains(facts)]
    level, percent, errors, _, where = max(graded, default=(0, 0.0, 0.0, "", ""))
    share = f"{tried:.0f} of {value(facts, 'total') or 0:.0f} changes tried."
    reason = f"None makes it better. {share}"
    if level:
        reason = f"With {where} changed the loss falls by {percent:.2f} percent, {errors:.1f} standard errors. {share}"
    severity = Severity.FAIL if level == 2 else Severity.WARN
    threshold = f"below {EXACT_WARN[0]}, or {GRADUAL_WARN[0]} by degree"
    return [
        Metric("repairs", "Nothing simple makes it better", percent, threshold, not level, reason, severity, "percent")
    ]


def grade(percent: float, errors: float, family: str, *, is_foreign: bool = False) -> int:
    """0 for a gain that healthy models show, 1 for one that deserves a warning, 2 for one that proves damage.

    `is_foreign` says that the model reads the text best when it is made less sure of itself.
    """
    warns, fails = (EXACT_WARN, EXACT_FAIL) if family in EXACT else (GRADUAL_WARN, GRADUAL_FAIL)
    if percent >= fails[0] and errors >= fails[1]:
        return 2
    if is_foreign:
        warns = (FOREIGN_TIMES * warns[0], fails[1])
    return int(percent >= warns[0] and errors >= warns[1])


def representations(measured: Measured) -> list[Metric]:
    """Rules on an encoder. They find gross faults only, and a model may be trained for another closeness: they warn,
    unless all sentences come out alike, which no use can want."""
    facts = part(measured, "encoder")
    found, margin = value(facts, "accuracy"), value(facts, "margin")
    strangers, turned = value(facts, "strangers_cosine"), value(facts, "order_cosine")
    if found is None or margin is None or strangers is None or turned is None:
        return [unmeasured("representations", "Representations")]
    metrics = [
        Metric("collapse", "Sentences come out different", strangers, f"below {STRANGERS_COSINE}",
               strangers < STRANGERS_COSINE, f"The two most alike strangers have a cosine of {strangers:.4f}.",
               unit="cosine"),
        Metric("word_order", "Word order matters", turned, f"below {STRANGERS_COSINE}", turned < STRANGERS_COSINE,
               f"A sentence and its reversal have a cosine of {turned:.4f}.", Severity.WARN, "cosine"),
        Metric("paraphrases", "Paraphrases are found", found, f"at least {PARAPHRASES_FOUND}",
               found >= PARAPHRASES_FOUND, f"{found:.0%} found their paraphrase, by {margin:.3f} on average.",
               Severity.NOTE if part(measured, "masked") else Severity.WARN, "share"),
    ]  # fmt: skip
    nats, plain = value(measured, "masked", "nats_per_token"), value(measured, "masked", "unigram_nats")
    if nats is not None and plain is not None:
        severity = Severity.FAIL if part(measured, "probe").get("declared") is True else Severity.WARN
        reason = f"{nats:.2f} nats for each hidden token; the text's own token frequencies give {plain:.2f}."
        threshold = f"at most {plain:.2f}"
        metrics.append(
            Metric("masked", "Better than token counts", nats, threshold, nats <= plain, reason, severity, "nats")
        )
    return metrics


def generation(measured: Measured) -> list[Metric]:
    """Greedy decoding: these rules test the engine and the device more than the weights, so they warn."""
    facts = part(measured, "generation")
    if not facts:
        return []
    equal, agreement = facts.get("repeatable"), value(facts, "cached_agreement")
    reason = "The same prompt gave the same tokens twice." if equal else "The same prompt gave different tokens."
    metrics = [Metric("determinism", "Determinism", None, "equal", equal is True, reason, Severity.WARN)]
    if agreement is not None:
        reason = f"{agreement:.0%} of the tokens written with the cache are the likeliest without it, or as good."
        ok = agreement >= AGREEMENT
        metrics.append(
            Metric("cache", "Cached decoding", agreement, f"at least {AGREEMENT}", ok, reason, Severity.WARN, "share")
        )
    return metrics


def resources(measured: Measured) -> list[Metric]:
    """Time and memory, noted for the next plan; memory above the plan warns, because admission rests on it."""
    facts = part(measured, "generation")
    metrics = []
    for code, name, field, unit in (
        ("first_token", "Time to first token", "first_token_seconds", "s"),
        ("speed", "Tokens per second", "tokens_per_second", "tokens/s"),
    ):
        number = value(facts, field)
        if number is not None:
            metrics.append(Metric(code, name, number, "none", True, "Noted.", Severity.NOTE, unit))
    peak, planned = value(measured, "memory", "peak_bytes"), value(measured, "memory", "planned_bytes")
    if peak is not None and planned is not None:
        ok = peak <= planned
        reason = f"{size(int(peak))} at most, {size(int(planned))} planned."
        metrics.append(
            Metric("memory", "Peak memory", peak, f"at most {size(int(planned))}", ok, reason, Severity.WARN, "bytes")
        )
    return metrics
