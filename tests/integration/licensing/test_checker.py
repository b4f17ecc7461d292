"""The "may I?" page, its API, and the lineage page: inputs in and out, real lineage, nothing hidden told."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

import pytest
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from licensing.engine import Edge, Node
from licensing.lineage_view import drawing, duties_by_edge, rows_of
from licensing.lineage_writes import establish_upstream, state_licensee
from licensing.selectors import version_of
from licensing.services import load_catalog
from registry.models import LineageEdge, Variant
from registry.selectors import actor_for
from registry.states import Level
from tests.factories import make_member, make_organization, make_user, make_variant, serve

pytestmark = pytest.mark.django_db
URL = "/licenses/check/"
LORA = {
    "parent-0-license": "llama3.1",
    "parent-0-model": "meta-llama/Llama-3.1-8B-Instruct",
    "parent-0-relation": "adapter",
    "parent-0-uses": "materials",
    "license": "llama3.1",
    "name": "acme/nimbus-lora",
    "disclosure": "public",
    "territory": "worldwide",
    "purpose": "commercial",
    "kind": "company",
    "seat": "CH",
    "mau_month": "2024-06",
    "mau_then": "1000",
}


@pytest.fixture(autouse=True)
def catalog() -> None:
    load_catalog()


def post(given: dict, client: Client | None = None) -> str:
    answer = (client or Client()).post(URL, given)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_lora_without_the_prefix_is_not_allowed_and_says_what_mends_it() -> None:
    found = post(LORA)
    assert "Not allowed as proposed" in found and "CF-NAME-PREFIX" in found
    assert "meta-llama/Llama-3.1-8B-Instruct" in found and "Built with Llama" in found
    assert "not legal advice" in found and "How these licenses are known" in found


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"parent-0-license": "mit", "license": "mit", "name": "acme/x"}, "Allowed under conditions"),
        ({"parent-0-license": "", "parent-0-model": "a/b", "license": "mit"}, "CF-UNKNOWN-LICENSE"),
        ({"parent-0-license": "gemma-terms-2025-03-24", "license": "apache-2.0"}, "CF-RELICENSE"),
        ({"parent-0-license": "kimi-k3", "license": "mit"}, "Questions for legal"),
    ],
)
def test_the_answer_follows_the_case(changes: dict, said: str) -> None:
    assert said in post({**LORA, **changes})


def test_rows_are_added_and_removed_without_script() -> None:
    two = post({**LORA, "add": "1"})
    assert "Parent 2" in two and "Remove parent 1" in two and 'value="llama3.1"' in two
    rows = {**LORA, "parent-1-license": "mit", "parent-1-model": "b/second"}
    one = post({**rows, "remove": "0"})
    assert "Parent 2" not in one and "b/second" in one and "Llama-3.1-8B" not in one
    assert "Not allowed" not in one


def test_the_link_holds_the_inputs_but_no_figures() -> None:
    found = post({**LORA, "mau_now": "123456789", "annual_revenue_usd": "987654321", "ships": ["notice", "display"]})
    query = found.split('href="/licenses/check/?')[1].split('"')[0].replace("&amp;", "&")
    shared = parse_qs(query)
    assert shared["parent-0-license"] == ["llama3.1"] and shared["seat"] == ["CH"]
    assert shared["ships"] == ["notice", "display"]
    assert not {"mau_now", "mau_month", "mau_then", "annual_revenue_usd", "monthly_revenue_usd"} & set(shared)
    again = Client().get(f"{URL}?{query}").content.decode()
    assert "CF-NAME-PREFIX" in again


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"parent-0-license": "no-such-license"}, "parents[0].license"),
        ({"license": "MIT AND"}, "proposed.license"),
        ({"mau_now": "-1"}, "greater than or equal to 0"),
        ({"parent-0-relation": "cousin"}, "not one of the available choices"),
    ],
)
def test_what_cannot_be_judged_is_named(changes: dict, said: str) -> None:
    answer = Client().post(URL, {**LORA, **changes})
    assert answer.status_code == 422 and said in answer.content.decode()


def test_the_api_answers_in_the_format_of_the_command() -> None:
    case = {
        "parents": [{"license": "llama3.1", "model": "m/x", "relation": "adapter"}],
        "proposed": {"license": "llama3.1"},
    }
    for url in ("/api/v1/license-checks", "/api/v1/license-checks/"):
        answer = Client().post(url, json.dumps(case), content_type="application/json")
        assert answer.status_code == 200
        assert set(answer.json()) == {"verdict", "obligations", "violations", "reasons"}
        assert set(answer.json()["obligations"][0]) == {"id", "from", "satisfied"}
    bad = Client().post(url, json.dumps({"parents": [{"licence": "mit"}]}), content_type="application/json")
    assert bad.status_code == 422 and bad.json()["reasons"][0]["field"] == "parents[0].licence"


class World:
    """A variant of acme, made from one of another lab that is public, one that is hidden, and one elsewhere."""

    def __init__(self) -> None:
        self.acme, other = make_organization("acme"), make_organization("other")
        self.counsel = make_member(self.acme, Role.LEGAL_REVIEWER)
        self.variant = make_variant(self.acme, "nimbus")
        self.shown, self.hidden = make_variant(other, "shown"), make_variant(other, "secret-base")
        serve(self.variant, Level.PUBLIC)
        serve(self.shown, Level.PUBLIC)
        for parent in (self.shown, self.hidden):
            LineageEdge.objects.create(child=self.variant, parent=parent, relation="finetune")
        LineageEdge.objects.create(child=self.variant, external_parent="meta-llama/Llama-3.1-8B", relation="adapter")
        actor = actor_for(self.counsel, self.acme)
        establish_upstream(
            repo_id="meta-llama/Llama-3.1-8B", license_version=version_of("llama3.1"), source="LICENSE at 1234567",
            by=self.counsel, actor=actor,
        )  # fmt: skip
        state_licensee(organization=self.acme, said={"seat": "CH", "mau_now": 424242}, by=self.counsel, actor=actor)


def client_of(user: User | None) -> Client:
    client = Client()
    if user:
        client.force_login(user)
    return client


@pytest.mark.parametrize("page", ["/licenses/check/?variant=acme/nimbus", "/licenses/lineage/?variant=acme/nimbus"])
def test_a_variants_real_lineage_is_shown_but_nothing_hidden(page: str) -> None:
    world = World()
    for user in (None, make_user(), world.counsel):
        found = client_of(user).get(page).content.decode()
        assert "other/shown" in found and "llama3.1" in found.lower()
        assert "secret-base" not in found
        assert ("a model that is not shown (1)" in found) is ("lineage" in page)
        assert ("424242" in found) is (user == world.counsel and "check" in page)
    assert Client().get(page.replace("nimbus", "nothing")).status_code == 404


def test_a_hidden_variant_is_missing() -> None:
    make_variant(make_organization("acme"), "hidden")
    for page in ("/licenses/check/?variant=acme/hidden", "/licenses/lineage/?variant=acme/hidden"):
        assert Client().get(page).status_code == 404


def test_the_lineage_page_tells_duties_on_its_edges() -> None:
    world = World()
    found = client_of(world.counsel).get("/licenses/lineage/?variant=acme/nimbus").content.decode()
    assert "<code>OB-NAME-PREFIX</code>" in found and "not legal advice" in found
    assert "acme/nimbus is adapter from meta-llama/Llama-3.1-8B: OB-" in found
    alone = make_variant(world.acme, "alone")
    assert (
        "Nothing of others is on record"
        in client_of(world.counsel).get(f"/licenses/lineage/?variant={alone.repo_id}").content.decode()
    )


def test_a_thousand_models_are_drawn_in_parts() -> None:
    graph = {"r/0": Node("", tuple(Edge(f"r/{n}", "merge") for n in range(1, 500)))}
    graph |= {f"r/{n}": Node("mit", (Edge(f"r/{n + 500}", "finetune"),)) for n in range(1, 500)}
    graph |= {f"r/{n}": Node("apache-2.0") for n in range(500, 1000)}
    first, last = drawing(graph, "r/0", {}), drawing(graph, "r/0", {}, page=42)
    assert first.nodes == 999 and first.pages == 42
    assert sum(bool(box.name) for box in first.boxes) == 25 and [box.more for box in first.boxes if box.more] == [
        487,
        487,
    ]
    assert {box.name for box in first.boxes if box.name} & {box.name for box in last.boxes if box.name} == {"r/0"}
    assert len(rows_of(graph, "r/0", {})) == 998


def test_boxes_of_a_deep_lineage_do_not_lie_on_each_other() -> None:
    graph = {f"m/{n}": Node("mit", (Edge(f"m/{n + 1}", "quantized"), Edge(f"m/{n + 2}", "merge"))) for n in range(20)}
    found = drawing(graph, "m/0", duties_by_edge("m/0", answer=NoDuties))
    assert found.deeper == 16 and any(box.behind for box in found.boxes)
    places = [(box.x, box.y) for box in found.boxes]
    assert len(set(places)) == len(places)


class NoDuties:
    """An answer without duties."""

    obligations = ()


def test_the_drawing_of_one_variant_costs_few_queries(django_assert_max_num_queries: object) -> None:
    world = World()
    client = client_of(world.counsel)
    client.get("/licenses/lineage/?variant=acme/nimbus")
    with django_assert_max_num_queries(24):
        client.get("/licenses/lineage/?variant=acme/nimbus")
    assert Variant.objects.count() == 3
