"""The one screen that `make run` ends with: where to go, as whom, and what to try first."""

from __future__ import annotations

from collections.abc import Sequence

WIDTH = 100


def welcome(url: str, hub_url: str, users: Sequence[dict], hub_users: Sequence[dict], seconds: float, logs: str) -> str:
    """Return the screen as text."""
    parts = [
        "─" * WIDTH,
        f"  Imprimatur is ready after {seconds:.1f} s.",
        "",
        f"    Here models are governed   {url}",
        f"    The hub they go out to     {hub_url}   (a second instance, standing in for the public Hub)",
    ]
    if users:
        parts += ["", "  Log-ins here:", *_table(users)]
    if hub_users:
        parts += ["", "  Log-ins at the hub:", *_table(hub_users)]
    parts += ["", "  Try first:", *_first_steps(url, users)]
    parts += ["", f"  Logs are in {logs}. Stop everything with Ctrl-C.", "─" * WIDTH]
    return "\n".join(parts)


def already_running(pid: int, url: str | None) -> str:
    """Return what a second `make run` says."""
    where = f" at {url}" if url else ", and is just starting"
    return f"Imprimatur runs already{where} (process {pid}). Stop it with Ctrl-C in its terminal, or: kill {pid}"


def _table(users: Sequence[dict]) -> list[str]:
    return [f"    {u['username']:<11} {u['password']:<20} {', '.join(u['roles'])}" for u in users]


def _first_steps(url: str, users: Sequence[dict]) -> list[str]:
    names = {user["username"]: user for user in users}
    steps = []
    if "manager" in names:
        steps.append(f"Sign in at {url} as manager: the board shows what is public, gated and held back.")
    if "researcher" in names:
        steps.append("Sign in as researcher in another browser, find the gated variant and ask for access.")
    if token := names.get("pipeline", {}).get("token"):
        steps.append(f"As the training pipeline:  HF_ENDPOINT={url} HF_TOKEN={token} hf auth whoami")
    steps.append(".venv/bin/python manage.py create_token USERNAME    prints a new token")
    return [f"    {number}. {step}" for number, step in enumerate(steps, 1)]
