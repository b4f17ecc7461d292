"""The page and the API of openness, and what a release asks of its card."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.roles import Role
from licensing.models import OpennessStatement
from licensing.openness_form import StatementForm
from licensing.services import load_catalog
from registry.states import Level
from release.packaging import additions
from release.requirements import requirements
from release.selectors import facts_of
from tests.factories import make_commit, make_draft, make_lab, make_member, make_token, make_variant, serve

pytestmark = pytest.mark.django_db
CARD = b"---\nlicense: apache-2.0\n---\n# Nimbus\n\nA small model.\n"
FILES = {"README.md": CARD, "model.safetensors": b"weights", "inference.py": b"pass\n"}


@pytest.fixture(autouse=True)
def _catalog() -> None:
    load_catalog()


def test_the_page_shows_wheel_table_and_three_statements(client: Client) -> None:
    lab = make_lab()
    variant = make_variant(lab.organization)
    make_commit(variant, FILES)
    client.force_login(lab.manager)
    page = client.get(f"/{variant.repo_id}/openness/").content.decode()
    assert page.count('<g class="segment') == 17 and page.count("<desc") == 1
    for words in ("Open weights", "Model Openness Framework", "Open-source exemption in the EU", "Not legal advice"):
        assert words in page
    assert "inference.py" in page and "Nobody has stated anything" in page
    assert "State what no file tells" in page


def test_outsiders_see_what_is_served_and_no_decisions(client: Client) -> None:
    lab = make_lab()
    variant = make_variant(lab.organization)
    assert client.get(f"/{variant.repo_id}/openness/").status_code == 404
    serve(variant, Level.GATED, make_commit(variant, FILES))
    page = client.get(f"/{variant.repo_id}/openness/").content.decode()
    assert "Gated weights" in page and "by decision" not in page and "What no file tells" not in page
    found = client.get(f"/api/v1/variants/{variant.repo_id}/openness/").json()
    assert (found["label"], found["findings"], found["assumed"]) == ("gated weights", [], "")


def test_a_variant_without_files_says_so(client: Client) -> None:
    lab = make_lab()
    variant = make_variant(lab.organization)
    client.force_login(lab.manager)
    assert "Nothing was uploaded yet" in client.get(f"/{variant.repo_id}/openness/").content.decode()
    assert client.get(f"/api/v1/variants/{variant.repo_id}/openness/").status_code == 404


def test_stating_on_the_page(client: Client) -> None:
    lab = make_lab()
    variant = make_variant(lab.organization)
    make_commit(variant, FILES)
    client.force_login(lab.manager)
    address = f"/{variant.repo_id}/openness/state/"
    assert client.get(address).status_code == 200
    bad = client.post(address, {"training_flop": "lots", "license_datasets": "mit"})
    assert bad.status_code == 422 and "Say first where it stands" in bad.content.decode()
    bad = client.post(address, {"training_flop": "lots"})
    assert bad.status_code == 422 and "floating-point operations" in bad.content.decode()
    good = {"training_flop": "3e24", "public_list": "no", "is_datasets": "absent", "monetization": "none"}
    assert client.post(address, good).status_code in (302, 303)
    row = OpennessStatement.objects.get()
    assert row.said["components"]["Datasets"]["is"] == "absent" and row.said["public_list"] is False
    page = client.get(f"/{variant.repo_id}/openness/").content.decode()
    assert "3e24 FLOP" in page and lab.manager.display_name in page
    assert 'value="3e24"' in client.get(address).content.decode()


def test_only_pens_state(client: Client) -> None:
    lab = make_lab()
    variant = make_variant(lab.organization)
    make_commit(variant, FILES)
    auditor = make_member(lab.organization, Role.AUDITOR)
    client.force_login(auditor)
    assert client.get(f"/{variant.repo_id}/openness/state/").status_code == 403
    serve(variant, Level.PUBLIC)
    client.force_login(make_lab().manager)
    assert client.get(f"/{variant.repo_id}/openness/state/").status_code == 404


def test_stating_through_the_api(client: Client) -> None:
    lab = make_lab()
    variant = make_variant(lab.organization)
    make_commit(variant, FILES)
    address = f"/api/v1/variants/{variant.repo_id}/openness/"
    headers = {"Authorization": f"Bearer {make_token(lab.manager, 'write')}"}
    said = {"description": "partial", "components": {"Datasets": {"is": "absent"}}}
    answer = client.post(address, said, content_type="application/json", headers=headers)
    assert answer.status_code == 201 and "Data information" in answer.json()["osaid_missing"]
    bad = client.post(address, {"components": {"Weights": {"is": "absent"}}}, "application/json", headers=headers)
    assert bad.status_code == 422 and "components.Weights" in bad.json()["detail"]
    reader = {"Authorization": f"Bearer {make_token(lab.manager, 'read')}"}
    assert client.post(address, said, "application/json", headers=reader).status_code == 403
    assert OpennessStatement.objects.count() == 1


@pytest.mark.parametrize(("level", "label"), [(Level.PUBLIC, "open weights"), (Level.GATED, "gated weights")])
def test_the_card_that_leaves_carries_the_label(level: Level, label: str) -> None:
    lab = make_lab()
    variant = make_variant(lab.organization)
    card = CARD.replace(b"---\n#", b"openness: open source AI\n---\n#")
    draft = make_draft(lab, level, variant=variant, commit=make_commit(variant, {**FILES, "README.md": card}))
    written = additions(draft.items.get())["README.md"]
    assert f"openness: {label}" in written and "open source AI" not in written


def test_a_release_asks_that_the_card_claims_no_more(client: Client) -> None:
    lab = make_lab()
    variant = make_variant(lab.organization)
    bold = make_commit(variant, {**FILES, "README.md": CARD + b"\nNimbus is an open source model.\n"})
    draft = make_draft(lab, variant=variant, commit=bold)
    asked = {one.code: one for one in requirements(facts_of(draft))}["evidence.openness"]
    assert asked.standing == "unmet" and "Write “open weights” instead" in asked.explanation
    meek = make_draft(lab, variant=variant, commit=make_commit(variant, FILES))
    asked = {one.code: one for one in requirements(facts_of(meek))}["evidence.openness"]
    assert asked.standing == "met" and "It may say “open weights”" in asked.explanation


def test_the_form_has_a_field_for_all_that_can_be_stated() -> None:
    assert len(StatementForm().parts) == 15 and len(StatementForm().general) == 7
