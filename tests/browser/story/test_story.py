"""The whole way, on real parts: a checkpoint goes in by upload, is checked, approved, published and downloaded.

Told with a real browser, the unmodified Hub client and the `hf` command, against two running instances with their own
workers. Each telling uses names of its own, so that it can be told again on the same instance.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from huggingface_hub import hf_hub_download, snapshot_download
from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError
from playwright.sync_api import Page, expect

from tests.browser.story.people import Instance, Somebody

APACHE = "Apache License 2.0"
COMMUNITY = "Nimbus Community License 1.0"


@dataclass
class Names:
    """What the models are called in this telling."""

    public: str
    gated: str
    held: str


@pytest.fixture(scope="module")
def names() -> Names:
    mark = datetime.now(UTC).strftime("%m%d%H%M%S")
    return Names(f"nimbus-nano-{mark}", f"nimbus-chat-{mark}", f"nimbus-deep-{mark}")


@pytest.fixture
def somebody(instance: Instance, open_page: Callable[..., Page]) -> Callable[[str], Somebody]:
    """Sign people in, each in a browser of their own."""

    def signed_in(username: str) -> Somebody:
        page = open_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(30_000)
        return Somebody(instance, username, page).sign_in()

    return signed_in


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of each file below a folder, but for the client's own notes."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".cache" not in path.parts
    }


def keep_picture(page: Page, name: str) -> None:
    """A picture of the page for the documentation, where `make pictures` asks for it."""
    if os.environ.get("KEEP_PICTURES"):
        folder = Path(__file__).resolve().parents[3] / "docs" / "images"
        folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=folder / f"{name}.png")


def put_item(manager: Somebody, release: str, name: str, level: str, **fields: str) -> None:
    """Put a model into the draft, on its form."""
    manager.go(f"{release}items/{name}/")
    page = manager.page
    page.get_by_label(level).check()
    if license_name := fields.get("license"):
        page.get_by_label("License").select_option(label=license_name)
    if reason := fields.get("reason"):
        page.get_by_label("Reason").select_option(label=reason)
    if review_on := fields.get("review_on"):
        page.get_by_label("Look at it again on").fill(review_on)
    manager.click("Put it in")
    manager.sees(name)


def evidence_settled(page: Page) -> bool:
    """Whether the cockpit shows no evidence that is missing or being made."""
    asked = page.locator(".requirements, .requirement-groups, main").first.inner_text()
    return "Being made now" not in asked and "There is none yet" not in asked


def test_the_whole_way(instance: Instance, names: Names, somebody: Callable[[str], Somebody], tmp_path: Path) -> None:
    # --- automation uploads, with the command that everybody has ---------------------------------------------
    sources = {
        names.public: instance.model("nimbus-nano"),
        names.gated: instance.model("nimbus-nano-instruct"),
        names.held: instance.model("nimbus-max"),
    }
    for name, folder in sources.items():
        instance.hf("pipeline", "upload", f"acme/{name}", str(folder), folder=tmp_path)

    # --- the release manager drafts, in a browser -----------------------------------------------------------
    manager = somebody("manager")
    manager.go(f"/acme/{names.gated}/gate/")
    manager.page.get_by_label("License to accept").select_option(label=COMMUNITY)
    manager.page.get_by_label("Question").first.fill("What will you do with it?")
    manager.click("Write version")
    manager.sees("Version 1")

    manager.go("/releases/new/")
    manager.page.get_by_label("Title").fill("Nimbus: small models first")
    manager.click("Draft")
    release = manager.page.url.removeprefix(instance.url)
    put_item(manager, release, names.public, "Public:", license=APACHE)
    put_item(manager, release, names.gated, "Gated:", license=COMMUNITY, reason="Safety")
    later = (datetime.now(UTC) + timedelta(days=90)).date().isoformat()
    put_item(manager, release, names.held, "Held back:", reason="Strategic", review_on=later)

    # --- evidence arrives by itself; then it is submitted ----------------------------------------------------
    manager.waits_for(release, evidence_settled, "the evidence")
    manager.click("Submit for review")
    manager.sees("In review")
    expect(manager.page.get_by_role("button", name="Approve", exact=True)).to_be_disabled()
    manager.sees("You submitted this release, and whoever submits never approves.")

    # --- two people sign, each in a browser of their own -----------------------------------------------------
    for reviewer in ("safety", "legal"):
        signing = somebody(reviewer)
        signing.go(release)
        signing.click("Approve")
        expect(signing.page.get_by_role("region", name="Signatures")).to_contain_text(f"{reviewer} reviewer")

    manager.go(release)
    keep_picture(manager.page, "cockpit")

    # --- published to the second process, and watched --------------------------------------------------------
    manager.go(release)
    manager.click("Publish")
    manager.page.get_by_label("I have read what becomes visible, and to whom.").check()
    manager.click("Publish now")
    manager.waits_for(
        release,
        lambda page: (
            page.get_by_role("link", name="Withdraw").or_(page.get_by_role("button", name="Withdraw")).count() > 0
            and "Publishing" not in page.locator(".next").first.inner_text()
        ),
        "the release's going live",
    )

    # --- what arrived there is the same, byte by byte --------------------------------------------------------
    got = tmp_path / "from-hub"
    snapshot_download(
        f"acme/{names.public}", endpoint=instance.hub_url, token=instance.hub_users["visitor"]["token"], local_dir=got
    )
    (got / ".gitattributes").unlink(missing_ok=True)
    card = got / "README.md"
    assert "openness: open weights" in card.read_text(encoding="utf-8")
    card.write_bytes((sources[names.public] / "README.md").read_bytes())  # all else is as it was uploaded
    assert digests(got) == digests(sources[names.public])

    # --- the gated one is refused, asked for, accepted, downloaded -------------------------------------------
    token = instance.users["researcher"]["token"]
    with pytest.raises(GatedRepoError):
        hf_hub_download(f"acme/{names.gated}", "model.safetensors", endpoint=instance.url, token=token)
    researcher = somebody("researcher")
    researcher.go(f"/models/?q={names.gated}")
    researcher.click(f"acme/{names.gated}")
    researcher.go(f"/acme/{names.gated}/access/")
    researcher.page.get_by_label("What will you do with it?").fill("Measure how it ends its sentences.")
    for box in researcher.page.locator("form.form input[type=checkbox]").all():
        box.check()
    researcher.click("Send request")
    researcher.sees("Waiting for a decision")

    access = somebody("access")
    access.go("/access/")
    access.page.get_by_role("row").filter(has_text=names.gated).get_by_role("link").first.click()
    access.sees("Measure how it ends its sentences.")
    access.click("Accept")
    access.sees("Accepted")
    request_page = access.page.url

    folder = tmp_path / "gated"
    instance.hf("researcher", "download", f"acme/{names.gated}", "--local-dir", str(folder), folder=tmp_path)
    weights = "model.safetensors"
    assert digests(folder)[weights] == digests(sources[names.gated])[weights]

    # --- revoked: refused again, on the next request ---------------------------------------------------------
    access.go(request_page)
    revoking = access.page.locator("form").filter(has=access.page.get_by_role("button", name="Revoke access"))
    revoking.get_by_label("Reason").fill("The project ended.")
    revoking.get_by_role("button").click()
    access.sees("The project ended.")
    with pytest.raises(GatedRepoError):
        hf_hub_download(
            f"acme/{names.gated}", weights, endpoint=instance.url, token=token, cache_dir=tmp_path / "fresh"
        )

    # --- the held-back one does not exist for an outsider ----------------------------------------------------
    with pytest.raises(RepositoryNotFoundError):
        instance.client("outsider").model_info(f"acme/{names.held}")
    outsider = somebody("outsider")
    answer = outsider.page.goto(f"{instance.url}/acme/{names.held}/")
    missing = outsider.page.goto(f"{instance.url}/acme/no-such-model/")
    assert answer and missing and answer.status == missing.status == 404
    outsider.go(f"/models/?q={names.held}")
    expect(outsider.page.get_by_role("link", name=f"acme/{names.held}")).to_have_count(0)


def test_the_chain_of_events_holds(instance: Instance, tmp_path: Path) -> None:
    """After all that, the audit trail reads back whole."""
    root = Path(__file__).resolve().parents[3]
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    time.sleep(0.1)
    done = subprocess.run(
        [sys.executable, "manage.py", "verify_audit"],
        cwd=root,
        env=kept | {"IMPRIMATUR_VAR": str(instance.var)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "The chain holds" in done.stdout
