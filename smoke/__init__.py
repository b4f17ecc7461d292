"""Quantized smoke inference: does this checkpoint, as it stands, still speak?

Pure Python: knows no web framework, no task queue and no database, and imports without torch. The surface is small:

- `smoke.devices.discover() -> Inventory`: what is attached; asks a short-lived child, never imports torch itself.
- `smoke.plan.make_plan(folder, base=..., ...) -> Plan`: where and at which precision it fits, from headers alone.
- `smoke.plan.hardware_fit(plan) -> list[dict]`: which common machines have room, as plain data for pages and cards.
- `smoke.run.run(folder, ...) -> SmokeReport`: runs it in a confined process of its own and judges what was measured.
- `smoke.probes.Probe`: a held-out text with the loss its owner measured; makes the verdict sharp.
- `smoke.report.SmokeReport`: outcome, metrics with thresholds and reasons, samples; `to_json()`.
- `smoke.supervise.Limits`: wall time, memory, output.
- `smoke.tiny.train(...)`, `smoke.tiny.derive(...)`: a very small real model, for demonstrations and tests.

On the command line: `python -m smoke plan DIR`, `python -m smoke run DIR`, `python -m smoke.tiny OUT`.

Refuses to own: whether a release may go out. It delivers evidence, and what was not run is never a pass.
"""
