"""The same way through faults: the publishing worker killed in mid-upload, Redis killed in mid-validation."""

from __future__ import annotations

import hashlib
import json
import time
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import psutil
import pytest
from huggingface_hub import snapshot_download
from safetensors.numpy import save_file

from tests.browser.story.people import PATIENCE_SECONDS, Instance

LARGE_BYTES = 300 << 20
SENT = ("model.safetensors", "config.json")


@pytest.fixture
def processes(instance: Instance) -> Callable[[str], list[psutil.Process]]:
    """The launcher's processes whose command line holds some words."""

    def found(*words: str) -> list[psutil.Process]:
        if instance.launcher is not None:
            launcher = psutil.Process(instance.launcher.pid)
        else:
            launcher = psutil.Process(int((instance.var / "run" / "lock").read_text(encoding="utf-8")))
        children = launcher.children(recursive=True)
        return [child for child in children if all(word in command_of(child) for word in words)]

    return found


def command_of(process: psutil.Process) -> str:
    """A process's command line; none of one that is just ending, as the readers of files often are."""
    try:
        return " ".join(process.cmdline())
    except (psutil.ZombieProcess, psutil.NoSuchProcess):
        return ""


def post(instance: Instance, username: str, path: str, body: dict | None = None, method: str = "POST") -> dict:
    request = urllib.request.Request(
        f"{instance.url}/api/v1/{path}",
        data=json.dumps(body or {}).encode(),
        method=method,
        headers={
            "Authorization": f"Bearer {instance.users[username]['token']}",
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        content = answer.read()
    return json.loads(content) if content else {}


def wait(what: str, holds: Callable[[], object], seconds: float = PATIENCE_SECONDS, every: float = 0.5) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if holds():
                return
        except OSError:
            pass  # a server that was killed comes back
        time.sleep(every)
    raise AssertionError(f"{what} did not come in {seconds} s")


def make_large(folder: Path) -> Path:
    """A checkpoint that takes a while to move: large, well-formed, and saying nothing."""
    folder.mkdir()
    count = 12
    random = np.random.default_rng(3)
    size = LARGE_BYTES // count // 4 // 1024
    tensors = {f"layer.{n}.weight": random.standard_normal((size, 1024), dtype=np.float32) for n in range(count)}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n\n# Large\n", encoding="utf-8")
    (folder / "config.json").write_text('{"model_type": "none"}\n', encoding="utf-8")
    return folder


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def outcomes(instance: Instance, name: str, digest: str) -> dict[str, str]:
    """What the evidence of a checkpoint says, by kind."""
    found = instance.get("manager", f"variants/acme/{name}/checkpoints/{digest}/")
    return {one["kind"]: one["outcome"] for one in found["evidence"] if one.get("outcome")}


def test_redis_and_the_publishing_worker_are_killed_and_nothing_is_lost(
    instance: Instance, processes: Callable[..., list[psutil.Process]], tmp_path: Path
) -> None:
    name = f"story-large-{datetime.now(UTC):%m%d%H%M%S}"
    source = make_large(tmp_path / "large")
    instance.hf("pipeline", "upload", f"acme/{name}", str(source), folder=tmp_path)
    newest = instance.get("manager", f"variants/acme/{name}/checkpoints/")[0]
    digest = newest["digest"]

    # --- Redis is killed while evidence is being made ---------------------------------------------------------
    (redis,) = [process for process in processes("redis") if "server" in process.name() or "redis" in process.name()]
    redis.kill()
    wait("the validation", lambda: {"validation", "license", "smoke"} <= outcomes(instance, name, digest).keys())
    assert outcomes(instance, name, digest)["validation"] == "pass"

    # --- it says nothing, and so somebody must take that upon themselves --------------------------------------
    release = post(instance, "manager", "releases/", {"organization": "acme", "title": f"Large {name}"})["id"]
    item = {"checkpoint": digest, "level": "public", "license": "apache-2.0"}
    post(instance, "manager", f"releases/{release}/items/{name}/", item, method="PUT")
    waiver = {
        "requirement": "evidence.smoke",
        "checkpoint": digest,
        "reason": "Random weights, to be large.",
        "days": 1,
    }
    post(instance, "security", f"releases/{release}/waivers/", waiver)
    signed = post(instance, "manager", f"releases/{release}/submit/")["digest"]
    for reviewer in ("safety", "legal"):
        post(instance, reviewer, f"releases/{release}/approve/", {"seen": signed})

    # --- the publishing worker is killed while the file goes up -----------------------------------------------
    post(instance, "manager", f"releases/{release}/publish/")
    publication = lambda: next(  # noqa: E731
        one for one in instance.get("manager", f"releases/{release}/publications/") if one["target"] == "public-hub"
    )
    wait("the upload", lambda: publication()["state"] == "staged", every=0.05)
    time.sleep(0.3)
    workers = processes("celery", "publish")
    assert workers
    for worker in workers:
        worker.kill()
    wait("the release's going live", lambda: instance.get("manager", f"releases/{release}/")["state"] == "live")

    assert publication()["job"]["attempts"] == 2, "the worker was killed too late to matter"

    # --- and it ended as if nothing had happened --------------------------------------------------------------
    got = tmp_path / "got"
    snapshot_download(
        f"acme/{name}", endpoint=instance.hub_url, token=instance.hub_users["visitor"]["token"], local_dir=got
    )
    assert {path: sha256(got / path) for path in SENT} == {path: sha256(source / path) for path in SENT}
    assert "openness: open weights" in (got / "README.md").read_text(encoding="utf-8")
    commits = instance.hub_client("publisher").list_repo_commits(f"acme/{name}")
    assert len([commit for commit in commits if commit.title == f"Large {name}"]) == 1
    events = instance.get("manager", f"events/?subject=release.release:{release}&kind=release:publication:live")
    assert len([one for one in events["results"] if one["facts"]["target"] == "public-hub"]) == 1
