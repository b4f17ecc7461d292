"""The pages of a variant: all of it to members, what is served to outsiders, nothing where it is hidden."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from accounts.roles import Role
from jobs.models import Job
from registry.models import Evidence
from registry.services.variants import add_parent, set_direct_control
from registry.states import EvidenceKind, Level, Outcome, Relation
from tests.factories import (
    make_commit,
    make_evidence,
    make_live,
    make_member,
    make_organization,
    make_user,
    make_variant,
    serve,
)

pytestmark = pytest.mark.django_db
TABS = ("", "files/", "license/", "openness/", "lineage/", "evidence/", "history/")
OUTSIDE = ("", "files/", "license/", "openness/", "lineage/")


@pytest.fixture
def nano(lab):
    """A variant with two commits, of which a release serves the first."""
    variant = make_variant(lab.organization, "nano")
    first = make_commit(variant, {"README.md": b"# First\n", "w/a.bin": b"1" * 10, "w/b.bin": b"2" * 20})
    make_live(lab, variant=variant, commit=first)
    make_commit(variant, {"README.md": b"# Secret second\n", "plan.txt": b"later"}, title="Secret work")
    return variant


@pytest.mark.parametrize("tab", TABS)
def test_what_is_hidden_answers_as_what_is_missing(lab, tab, browser_of) -> None:
    make_commit(make_variant(lab.organization, "is-there"))
    stranger = browser_of(make_user())
    hidden = stranger.get(f"/acme/is-there/{tab}")
    missing = stranger.get(f"/acme/is-not-there/{tab}")
    assert hidden.status_code == missing.status_code == 404
    tokens = re.compile('value="[A-Za-z0-9]{64}"')
    pages = [tokens.sub("", answer.text.partition("Request <code>")[0]) for answer in (hidden, missing)]
    assert pages[0].replace("is-there", "is-not-there") == pages[1]
    statuses = {Client().get(f"/acme/{name}/{tab}").status_code for name in ("is-there", "is-not-there")}
    assert len(statuses) == 1


@pytest.mark.parametrize("tab", TABS)
def test_members_see_every_tab(nano, lab, browser_of, tab) -> None:
    assert browser_of(lab.auditor).get(f"/acme/nano/{tab}").status_code == 200


@pytest.mark.parametrize("tab", TABS)
def test_outsiders_see_the_outside_tabs_alone(nano, browser_of, tab) -> None:
    answer = browser_of(make_user()).get(f"/acme/nano/{tab}")
    assert answer.status_code == (200 if tab in OUTSIDE else 404)
    if tab in OUTSIDE:
        assert "Secret" not in answer.text
        assert [one["label"] for one in answer.context["tabs"]] == ["Card", "Files", "License", "Openness", "Lineage"]


def test_outsiders_read_the_card_that_is_served(nano, lab, browser_of) -> None:
    assert "First" in Client().get("/acme/nano/").text
    assert "Secret second" in browser_of(lab.auditor).get("/acme/nano/").text


def test_outsiders_name_no_revision_but_the_served_one(nano, lab, browser_of) -> None:
    served = nano.servings.get().commit.oid
    newest = nano.commits.filter(is_released=False).order_by("-id").first().oid
    client = Client()
    assert client.get(f"/acme/nano/tree/{served}/").status_code == 200
    assert client.get("/acme/nano/tree/main/").context["seen"].commit.oid == served
    assert client.get(f"/acme/nano/tree/{newest}/").status_code == 404
    assert client.get("/acme/nano/tree/other/").status_code == 404
    assert browser_of(lab.auditor).get(f"/acme/nano/tree/{newest}/").context["seen"].commit.oid == newest


def test_files_are_shown_by_folder_with_sums_and_addresses(nano) -> None:
    top = Client().get("/acme/nano/files/").context
    assert [(folder.name, folder.size_bytes, folder.count) for folder in top["listing"].folders] == [("w", 30, 2)]
    assert [file.path for file in top["listing"].files] == ["LICENSE", "README.md"]
    inside = Client().get("/acme/nano/files/", {"folder": "w"}).context["listing"]
    commit = nano.servings.get().commit.oid
    assert [(file.path, file.url) for file in inside.files] == [
        ("w/a.bin", f"/acme/nano/resolve/{commit}/w/a.bin"),
        ("w/b.bin", f"/acme/nano/resolve/{commit}/w/b.bin"),
    ]
    assert Client().get("/acme/nano/files/", {"folder": "../.."}).context["listing"].is_empty


def test_behind_a_gate_only_card_and_license_have_addresses(lab) -> None:
    variant = make_variant(lab.organization, "gated")
    make_live(lab, Level.GATED, variant=variant, commit=make_commit(variant, {"README.md": b"# G\n", "w.bin": b"1"}))
    answer = Client().get("/acme/gated/files/")
    files = {file.path: bool(file.url) for file in answer.context["listing"].files}
    assert files == {"LICENSE": True, "README.md": True, "w.bin": False}
    assert "Behind the gate" in answer.text


def test_lineage_names_no_hidden_relative_to_outsiders(nano, lab, browser_of) -> None:
    hidden = make_variant(lab.organization, "hidden-parent")
    shown = make_variant(lab.organization, "shown-child")
    serve(shown, Level.PUBLIC)
    owner = nano.created_by
    add_parent(child=nano, relation=Relation.FINETUNE, by=owner, parent=hidden)
    add_parent(child=nano, relation=Relation.DISTILLED, by=owner, external_parent="elsewhere/teacher")
    add_parent(child=shown, relation=Relation.QUANTIZED, by=owner, parent=nano)
    outside = Client().get("/acme/nano/lineage/")
    assert "hidden-parent" not in outside.text
    assert [one.name for one in outside.context["parents"]] == ["elsewhere/teacher"]
    assert [one.name for one in outside.context["children"]] == ["acme/shown-child"]
    inside = browser_of(lab.auditor).get("/acme/nano/lineage/")
    assert {one.name for one in inside.context["parents"]} == {"acme/hidden-parent", "elsewhere/teacher"}


def test_history_says_what_was_public_when(nano, lab, browser_of) -> None:
    answer = browser_of(lab.auditor).get("/acme/nano/history/")
    [(serving, release, status)] = answer.context["servings"]
    assert (serving.until, status.label, release.title) == (None, "Public", "First wave")
    assert "Secret work" in answer.text


def test_an_address_without_the_last_slash_leads_on(nano) -> None:
    answer = Client().get("/acme/nano")
    assert (answer.status_code, answer.headers["Location"]) == (301, "/acme/nano/")


def test_under_direct_control_visibility_decides(db) -> None:
    organization = make_organization("hub-lab", is_direct_control=True)
    variant = make_variant(organization, "open")
    make_commit(variant, {"README.md": b"# Open\n"})
    assert Client().get("/hub-lab/open/").status_code == 404
    set_direct_control(variant=variant, by=variant.created_by, is_private=False, gate_mode="")
    answer = Client().get("/hub-lab/open/")
    assert (answer.status_code, answer.context["status"].label) == (200, "Public")
    set_direct_control(variant=variant, by=variant.created_by, gate_mode="manual")
    assert Client().get("/hub-lab/open/").context["status"].label == "Gated"


# --- evidence ----------------------------------------------------------------------------------


def test_reports_are_shown_escaped(lab, browser_of) -> None:
    variant = make_variant(lab.organization, "odd")
    report = {
        "findings": [{"severity": "block", "check": "X", "message": "<img src=x onerror=1>", "path": "<b>"}, "odd"],
        "metrics": [{"name": "<i>m</i>", "value": "nan", "ok": False}, None],
        "samples": [{"prompt": "<script>1</script>", "text": "<script>2</script>", "tokens": 3}],
    }
    make_evidence(make_commit(variant).checkpoint, Outcome.FAIL, report=report, summary="<u>bad</u>")
    pages = ("/acme/odd/evidence/", "/acme/odd/evidence/smoke/")
    text = "".join(browser_of(lab.auditor).get(page).text for page in pages)
    for raw in ("<img src=x", "<script>1", "<script>2", "<i>m</i>", "<u>bad"):
        assert raw not in text
    assert "&lt;script&gt;2" in text


def test_evidence_of_a_foreign_checkpoint_is_not_shown(nano, lab, browser_of) -> None:
    foreign = make_commit(make_variant(lab.organization, "other")).checkpoint
    answer = browser_of(lab.auditor).get("/acme/nano/evidence/", {"checkpoint": foreign.digest})
    assert answer.status_code == 422
    assert "has no commit with the checkpoint" in answer.text


def test_what_a_release_packaged_leads_to_what_was_examined(nano, lab, browser_of) -> None:
    packaged = nano.servings.get().checkpoint
    answer = browser_of(lab.auditor).get("/acme/nano/evidence/", {"checkpoint": packaged.digest})
    source = nano.commits.filter(is_released=False).order_by("id").first().checkpoint
    assert answer.context["source"] == source


def test_evidence_is_run_again_by_whom_may(nano, lab, browser_of) -> None:
    checkpoint = nano.commits.filter(is_released=False).order_by("id").first().checkpoint
    body = {"checkpoint": checkpoint.digest, "kind": "validation"}
    path = "/acme/nano/evidence/again/"
    before = Evidence.objects.filter(checkpoint=checkpoint).count()
    Job.objects.filter(state="queued").delete()
    assert browser_of(lab.auditor).post(path, body).status_code == 403
    assert browser_of(make_user()).post(path, body).status_code == 404
    assert browser_of(lab.safety).post(path, body | {"kind": "mood"}).status_code == 422
    assert not Job.objects.filter(state="queued").exists()
    assert browser_of(lab.safety).post(path, body).status_code == 303
    assert Job.objects.get(state="queued").kind == "registry.validate"
    assert Evidence.objects.filter(checkpoint=checkpoint).count() == before


def test_work_under_way_is_polled_until_it_ends(lab, browser_of) -> None:
    variant = make_variant(lab.organization, "busy")
    checkpoint = make_commit(variant).checkpoint
    client = browser_of(make_member(lab.organization, Role.ACCESS_REVIEWER))
    poll = {"headers": {"HX-Request": "true", "HX-Target": "making"}}
    assert client.get("/acme/busy/evidence/", **poll).status_code == 200
    make_evidence(checkpoint, kinds=set(EvidenceKind))
    assert client.get("/acme/busy/evidence/", **poll).status_code == 286
