"""Stored smoke reports as real runs leave them, with everything that a page can show."""

from __future__ import annotations

from typing import Any

MIB = 1 << 20


def metric(
    code: str, name: str, value: float | None, threshold: str, ok: bool, reason: str, **more: str
) -> dict[str, Any]:
    """One metric of a report."""
    return {
        "code": code,
        "name": name,
        "value": value,
        "threshold": threshold,
        "ok": ok,
        "reason": reason,
        "severity": "fail",
        "unit": "",
        **more,
    }


def hardware() -> list[dict[str, Any]]:
    """What a model of eight billion parameters runs on."""
    return [
        {
            "quantization": name,
            "weights_bytes": weights * MIB,
            "needed_bytes": {"cpu": need * MIB, "cuda": need * MIB + 300 * MIB},
            "fits_gigabytes": {
                "cpu": [s for s in (8, 16, 32, 64, 256) if s * 858 > need],
                "cuda": [s for s in (8, 12, 16, 24, 48, 80) if s * 858 > need + 300],
            },
        }
        for name, weights, need in (("bf16", 15_317, 18_740), ("int8", 8_660, 12_180), ("int4", 5_420, 8_510))
    ]


def healthy(**changes: Any) -> dict[str, Any]:
    """The report of a run that passed."""
    blocks = [
        {
            "block": n,
            "skip_nats": 2.6 / (n + 1) + 0.02 * (n % 3),
            "damped_nats": {"mlp x0": 1.2 / (n + 1), "mlp x2": 0.08 + 0.01 * n},
        }
        for n in range(12)
    ]
    stages = (
        ("process", 0.4),
        ("start", 7.1),
        ("tensors", 0.8),
        ("load", 2.3),
        ("likelihood", 4.9),
        ("blocks", 6.2),
        ("generate", 3.3),
        ("agreement", 2.7),
        ("end", 0.3),
    )
    report = {
        "outcome": "pass",
        "code": "healthy",
        "reason": "All 23 checks passed.",
        "device": "cpu",
        "quantization": "int8",
        "basis": "declared_loss",
        "seconds": 41.7,
        "driver": "",
        "seed": 20260101,
        "metrics": [
            metric(
                "tensors",
                "Tensor statistics",
                0,
                "no finding",
                True,
                "Every tensor is finite, filled, and of the size of its siblings.",
                unit="findings",
            ),
            metric("finite", "Finite logits", 1, "all", True, "Every logit is a finite number."),
            metric(
                "bits_per_byte",
                "Bits per byte",
                1.8960,
                "at most 2.756",
                True,
                "A quarter of what the bytes of the probe cost.",
                source="Entropy of the probe's bytes",
            ),
            metric(
                "reference",
                "Against the reference",
                0.0107,
                "at most +0.4, fails above +1.5",
                True,
                "1.8960 bits per byte, 1.8958 declared with the probe.",
                unit="percent",
            ),
            metric("speed", "Tokens per second", 681.03, "none", True, "Noted.", severity="note", unit="tokens/s"),
            metric(
                "memory",
                "Peak memory",
                312_586_240,
                "at most 475744512",
                True,
                "298 MiB at most, 454 MiB planned.",
                severity="warn",
                unit="bytes",
            ),
        ],
        "samples": [
            {
                "prompt": "The capital of France is",
                "text": '\nthe <b>city</b> of "except" & <script>alert(1)</script> statements.',
                "tokens": 24,
                "stopped": False,
                "mode": "greedy",
            },
            {
                "prompt": "What can you do?",
                "text": 'The "async" statement suite.',
                "tokens": 9,
                "stopped": True,
                "mode": "sampled",
            },
        ],
        "versions": {"python": "3.11.7", "torch": "2.13.0+cpu", "transformers": "5.23.0", "safetensors": "0.8.0"},
        "sandbox": {
            "applied": ["no_new_privs", "limits", "namespaces", "capabilities", "landlock", "seccomp"],
            "detail": {"namespaces": "user, net, ipc", "landlock": "ABI 7", "seccomp": "76 calls denied"},
        },
        "plan": {
            "reason": "int8 on cpu: needs 522 MiB of 20.5 GiB free.",
            "stored_bytes": 1_448_136,
            "peak_bytes": 475_744_512,
            "options": [
                {"device": "cpu", "quantization": "int8", "why": "needs 522 MiB of 20.5 GiB free", "fits": True},
                {"device": "cpu", "quantization": "int4", "why": "needs 521 MiB of 20.5 GiB free", "fits": True},
            ],
        },
        "measurements": {
            "bits_per_byte": 1.896,
            "probe": {"declared_bits_per_byte": 1.89581, "bytes": 5678},
            "engine": {"kernel": "int8pack", "dtype": "bfloat16"},
            "depth": {"total": 12, "blocks": blocks},
            "languages": {
                "English": {"bits_per_byte": 1.21},
                "German": {"bits_per_byte": 1.62},
                "Arabic": {"bits_per_byte": 2.05},
            },
            "memory": {"peak_bytes": 312_586_240, "planned_bytes": 475_744_512},
            "generation": {"tokens_per_second": 681.03, "first_token_seconds": 0.003},
        },
        "starts": [
            {"number": n, "seconds": s, "peak_bytes": p * MIB, "stages": []}
            for n, s, p in ((1, 28.0, 298), (2, 13.2, 251))
        ],
        "breakdown": [{"start": 1, "stage": stage, "seconds": seconds} for stage, seconds in stages]
        + [{"start": 2, "stage": "start", "seconds": 7.0}],
        "energy": {"joules": 512.4, "source": "powercap", "reason": "The whole device is counted."},
        "record": {
            "worker": "worker-smoke@lab-2",
            "queue": "smoke.cpu",
            "attempt": 1,
            "hardware": hardware(),
            "probe": {
                "source": "variant",
                "sentence": "Attached to the model by manager on 12 November 2026.",
                "text_sha256": "91ac2c2d",
            },
        },
    }
    return report | changes


def broken() -> dict[str, Any]:
    """The report of a run that failed: one block does harm, the loss is far from what was declared."""
    report = healthy(
        outcome="fail",
        code="reference",
        reason="Against the reference: 2.4102 bits per byte, 1.8958 declared with the probe. And 1 more.",
    )
    report["metrics"] = [
        metric(
            "reference",
            "Against the reference",
            27.13,
            "at most +0.4, fails above +1.5",
            False,
            "2.4102 bits per byte, 1.8958 declared with the probe.",
            unit="percent",
        ),
        metric(
            "block_skip",
            "Every block helps",
            -0.41,
            "at least -0.02",
            False,
            "Skipping block 7 lowers the loss by 0.41 nats.",
            unit="nats",
        ),
        *report["metrics"][:2],
        metric(
            "calibration",
            "Calibration",
            0.71,
            "at most 0.5",
            False,
            "It is more surprised than it expects to be.",
            severity="warn",
            unit="nats",
        ),
    ]
    report["measurements"] = report["measurements"] | {"bits_per_byte": 2.4102}
    report["measurements"]["depth"]["blocks"][7] = {"block": 7, "skip_nats": -0.41, "damped_nats": {"mlp x0": -0.62}}
    return report


def without_room() -> dict[str, Any]:
    """The report that nothing was run."""
    reason = (
        "Nothing attached has room: int4 needs 8.3 GiB free. cpu int8: needs 11.9 GiB of 6.2 GiB free. "
        "int4 needs 8.3 GiB free: a machine with 16 GB of memory or an accelerator with 12 GB would do."
    )
    options = [
        {"device": "cpu", "quantization": name, "why": f"needs {need} GiB of 6.2 GiB free", "fits": False}
        for name, need in (("int8", 11.9), ("int4", 8.3))
    ]
    return {
        "outcome": "not_run",
        "code": "does_not_fit",
        "reason": reason,
        "device": "",
        "quantization": "",
        "metrics": [],
        "samples": [],
        "seconds": 0.01,
        "versions": {},
        "sandbox": {},
        "measurements": {},
        "plan": {"reason": reason, "options": options},
        "record": {"worker": "worker-default@lab-1", "queue": "default", "attempt": 1, "hardware": hardware()},
    }
