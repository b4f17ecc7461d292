"""What is put on record for verdicts on lineage, by whom, and how recorded lineage is judged."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.utils import ProgrammingError
from django.utils import timezone

from accounts.roles import Role
from audit.models import Event
from licensing.engine import Relation, Verdict
from licensing.lineage_reads import demands_on, established, graph_of, licensee_of
from licensing.lineage_writes import establish_upstream, state_licensee
from licensing.models import Offer, UpstreamLicense
from registry.selectors import actor_for
from registry.services.variants import add_parent
from registry.states import Level
from registry.states import Relation as HubRelation
from rules import Refused
from tests.factories import make_license, make_member, make_organization, make_variant

pytestmark = pytest.mark.django_db


@pytest.fixture
def legal(db):
    organization = make_organization("acme")
    person = make_member(organization, Role.LEGAL_REVIEWER)
    return organization, person, actor_for(person, organization)


def establish(legal, key: str = "llama3.1", repo: str = "meta-llama/Llama-3.1-8B", **given):
    _, person, actor = legal
    said = {"license_version": make_license(key), "source": "LICENSE at main", "modality": "text", **given}
    return establish_upstream(repo_id=repo, by=person, actor=actor, **said)


def test_the_newest_row_of_a_repository_counts(legal) -> None:
    establish(legal, "llama2")
    newest = establish(legal)
    assert established(["META-llama/llama-3.1-8b"]) == {"meta-llama/llama-3.1-8b": newest}
    event = Event.objects.filter(kind="licensing:upstream:established").latest("pk")
    assert event.facts["repo"] == "meta-llama/llama-3.1-8b"
    with pytest.raises(ProgrammingError, match="Cannot update"), connection.cursor() as cursor:
        cursor.execute("UPDATE licensing_upstreamlicense SET source = 'elsewhere'")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"repo": "nimbus"}, "licensing.bad_repository"),
        ({"repo": "a/b/c"}, "licensing.bad_repository"),
        ({"modality": "smell"}, "licensing.bad_modality"),
        ({"source": "  "}, "licensing.source_missing"),
    ],
)
def test_what_cannot_be_established(legal, given, code) -> None:
    with pytest.raises(Refused) as refused:
        establish(legal, **given)
    assert [reason.code for reason in refused.value.verdict.reasons] == [code]
    assert not UpstreamLicense.objects.exists()


def test_only_legal_reviewers_establish(legal) -> None:
    organization, _, _ = legal
    other = make_member(organization, Role.RELEASE_MANAGER)
    with pytest.raises(Refused) as refused:
        establish((organization, other, actor_for(other, organization)))
    assert refused.value.verdict.reasons[0].code == "licensing.not_establishing"


def test_what_is_true_of_the_licensee(legal) -> None:
    organization, person, actor = legal
    assert licensee_of(organization).kind == ""
    said = {"kind": "company", "seat": "DE", "mau_at": {"2024-06": 1000}}
    state_licensee(organization=organization, said=said, by=person, actor=actor)
    assert licensee_of(organization).mau_at == {"2024-06": 1000}
    with pytest.raises(Refused, match="seat"):
        state_licensee(organization=organization, said={"seat": "Germany"}, by=person, actor=actor)


def test_lineage_is_judged_through_our_own_steps(legal) -> None:
    organization, person, _ = legal
    leaf, middle = make_variant(organization, "nimbus-int4"), make_variant(organization, "nimbus")
    add_parent(child=leaf, relation=HubRelation.QUANTIZED, by=person, parent=middle)
    add_parent(child=middle, relation=HubRelation.FINETUNE, by=person, external_parent="meta-llama/Llama-3.1-8B")
    establish(legal)
    graph = graph_of(leaf)
    assert graph["acme/nimbus"].is_own and graph["acme/nimbus-int4"].edges[0].relation == Relation.QUANTIZED
    found = demands_on(leaf, level=Level.PUBLIC, license_version=make_license("llama3.1"))
    assert found.assessment.verdict == Verdict.DENY
    (violation,) = found.assessment.violations
    assert violation.id == "CF-NAME-PREFIX"
    assert str(violation.origin) == "acme/nimbus-int4 ← acme/nimbus ← meta-llama/Llama-3.1-8B (llama3.1)"


def test_what_nobody_recorded_is_a_question(legal) -> None:
    organization, person, _ = legal
    leaf = make_variant(organization, "nimbus")
    assert demands_on(leaf, level=Level.PUBLIC, license_version=None) is None
    add_parent(child=leaf, relation=HubRelation.FINETUNE, by=person, external_parent="far/away")
    found = demands_on(leaf, level=Level.GATED, license_version=make_license())
    assert found.assessment.verdict == Verdict.REVIEW
    assert [one.topic for one in found.assessment.questions] == ["CF-UNKNOWN-LICENSE"]


def test_a_neighbor_is_under_what_it_is_offered_under(legal) -> None:
    organization, person, _ = legal
    leaf, theirs = make_variant(organization, "nimbus"), make_variant(make_organization("other"), "base")
    add_parent(child=leaf, relation=HubRelation.MERGE, by=person, parent=theirs)
    assert graph_of(leaf)["other/base"].license == "unrecorded"
    Offer.objects.create(variant=theirs, license_version=make_license("mit"), since=timezone.now())
    Offer.objects.create(variant=theirs, license_version=make_license("gpl-3.0"), since=timezone.now())
    assert graph_of(leaf)["other/base"].license == "gpl-3.0"


def test_queries_grow_with_depth_and_not_with_width(legal, django_assert_max_num_queries) -> None:
    organization, person, _ = legal
    leaf = make_variant(organization, "nimbus")
    for number in range(12):
        add_parent(child=leaf, relation=HubRelation.MERGE, by=person, external_parent=f"far/away-{number}")
    with django_assert_max_num_queries(3):
        assert len(graph_of(leaf)) == 13
