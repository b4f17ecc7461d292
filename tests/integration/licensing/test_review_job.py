"""The license review as a job over real files in the blob store."""

from __future__ import annotations

import pytest

from jobs import running
from jobs.models import Job
from licensing.catalog import TEXTS
from licensing.services import load_catalog
from licensing.spdx import listed
from registry.models import Checkpoint, Evidence
from tests.factories import make_commit, make_organization, make_variant

pytestmark = pytest.mark.django_db(transaction=True)
APACHE = (TEXTS / "apache-2.0.txt").read_bytes()
ISC = listed()["ISC"].text.encode()
CARD = b"---\nlicense: apache-2.0\n---\n# Nimbus\n"


def review(files: dict[str, bytes]) -> Evidence:
    """The evidence that the job writes about these files."""
    load_catalog()
    checkpoint: Checkpoint = make_commit(make_variant(make_organization()), files).checkpoint
    job = Job.objects.get(kind="licensing.review", subject=f"registry.checkpoint:{checkpoint.pk}")
    assert job.queue == "validate"
    assert running.run(str(job.pk), worker="test") == "succeeded"
    return Evidence.objects.get(checkpoint=checkpoint, kind="license")


@pytest.mark.parametrize(
    ("files", "outcome", "check"),
    [
        ({"README.md": CARD, "LICENSE": APACHE}, "pass", "license.agrees"),
        ({"README.md": CARD, "LICENSE.txt": APACHE.replace(b"\n", b"\r\n")}, "pass", "license.agrees"),
        ({"README.md": CARD}, "warn", "license.file_absent"),
        ({"README.md": CARD, "LICENSE": b"Also pay us.\n" + APACHE}, "warn", "license.file_has_more"),
        ({"README.md": CARD, "LICENSE": b"\xff\xfe\x00"}, "warn", "license.file_unreadable"),
        ({"README.md": CARD, "LICENSE": b"x" * 600_000}, "warn", "license.file_unreadable"),
        ({"README.md": CARD.replace(b"apache-2.0", b"gemma"), "LICENSE": b"Terms"}, "warn", "license.text_not_held"),
        ({"README.md": CARD, "LICENSE": b"All rights are ours."}, "fail", "license.contradiction"),
        ({"README.md": CARD.replace(b"apache-2.0", b"mit"), "LICENSE": APACHE}, "fail", "license.contradiction"),
        ({"README.md": CARD, "LICENSE": APACHE.replace(b"perpetual", b"revocable")}, "fail", "license.text_changed"),
        ({"README.md": CARD, "LICENSE": ISC}, "fail", "license.contradiction"),
        ({"README.md": CARD.replace(b"apache-2.0", b"wtf")}, "fail", "license.unknown"),
        ({"README.md": CARD.replace(b"apache-2.0", b"unknown")}, "fail", "license.unknown"),
        ({"README.md": CARD.replace(b"apache-2.0", b"[mit\n")}, "fail", "license.bad_card"),
        ({"README.md": b"# Nimbus\n", "LICENSE": APACHE}, "fail", "license.not_stated"),
        ({"config.json": b"{}", "LICENSE": APACHE}, "fail", "license.no_card"),
        ({"docs/README.md": CARD, "config.json": b"{}"}, "fail", "license.no_card"),
    ],
)
def test_outcome(files: dict[str, bytes], outcome: str, check: str) -> None:
    evidence = review(files)
    assert evidence.outcome == outcome
    assert check in [finding["check"] for finding in evidence.report["findings"]]
    assert evidence.tool == "imprimatur-licensing" and "catalog of" in evidence.rules_version


def test_the_evidence_page_shows_every_change(client) -> None:
    evidence = review({"README.md": CARD, "LICENSE": APACHE.replace(b"perpetual", b"<b>revocable</b>")})
    variant = evidence.checkpoint.commits.get().variant
    client.force_login(variant.created_by)
    page = client.get(f"/{variant.repo_id}/evidence/").content.decode()
    assert "Every change of LICENSE against Apache License 2.0" in page and "b&gt;revocable&lt;/b" in page
    assert "not legal advice" in page


def test_a_linked_license_file_comes_first() -> None:
    card = b"---\nlicense: apache-2.0\nlicense_link: LICENSE-MODEL\n---\n"
    evidence = review({"README.md": card, "LICENSE": b"For the code.", "LICENSE-MODEL": APACHE})
    assert (evidence.outcome, evidence.report["file"]["path"]) == ("pass", "LICENSE-MODEL")


def test_a_link_that_leads_outside_is_no_file() -> None:
    card = b"---\nlicense: apache-2.0\nlicense_link: ../../etc/passwd\n---\n"
    assert review({"README.md": card}).report["file"] is None


def test_words_that_cannot_be_stored_do_not_break_the_job() -> None:
    card = b'---\nlicense: other\nlicense_name: "a\\0b"\n---\n'
    assert review({"README.md": card}).outcome == "fail"


def test_a_changed_text_is_reported_with_every_change() -> None:
    changed = APACHE.replace(b"perpetual", b"revocable").replace(b"no-charge", b"paid")
    report = review({"README.md": CARD, "LICENSE": changed}).report
    assert (report["file"]["match"], report["file"]["names"]) == ("changed", ["Apache License 2.0"])
    assert report["file"]["changes"] == len(report["file"]["hunks"]) == 4
    assert {hunk["gone"] for hunk in report["file"]["hunks"]} == {"perpetual", "no-charge"}
    assert 0.99 < report["file"]["similarity"] < 1
