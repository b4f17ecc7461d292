"""The list of models with each of its filters, in pages."""

from __future__ import annotations

import pytest
from huggingface_hub import CommitOperationAdd
from huggingface_hub.errors import BadRequestError

from tests.conformance.world import DIRECT, GOVERNED

CARDS = {
    "list-alpha": "license: mit\npipeline_tag: text-generation\nlibrary_name: transformers\ntags: [listed, one]",
    "list-beta": "license: apache-2.0\npipeline_tag: fill-mask\ntags: [listed, two]\ndatasets: [acme/corpus]",
    "list-gamma": "license: mit\nlanguage: de\ntags: [listed]\nco2_eq_emissions: {emissions: 12.5}",
}


@pytest.fixture(autouse=True)
def listed(world) -> list[str]:
    """Three models with cards, made once; the second is gated."""
    api = world.person(f"{DIRECT}-owner").api
    names = [f"{DIRECT}/{name}" for name in CARDS]
    if not api.repo_exists(names[-1]):
        for name, text in zip(names, CARDS.values(), strict=True):
            api.create_repo(name, private=False)
            card = CommitOperationAdd("README.md", f"---\n{text}\n---\n# {name}\n".encode())
            config = CommitOperationAdd("config.json", b'{"model_type": "llama"}')
            api.create_commit(name, [card, config], commit_message="Card")
        api.update_repo_settings(names[1], gated="manual")
    return names


def ids(person, **wanted) -> list[str]:
    return [model.id for model in person.api.list_models(**wanted)]


def test_by_author(owner, listed) -> None:
    found = ids(owner, author=DIRECT)
    assert set(listed) <= set(found) and all(name.startswith(f"{DIRECT}/") for name in found)
    assert ids(owner, author="no-such-author") == []


def test_by_search(owner, listed) -> None:
    assert ids(owner, search="list-al") == listed[:1]
    assert set(ids(owner, search="LIST-")) == set(listed)


def test_by_search_and_author(owner, listed) -> None:
    assert ids(owner, search="list-beta", author=DIRECT) == listed[1:2]
    assert ids(owner, search="list-beta", author=GOVERNED) == []


def test_by_gate(owner, listed) -> None:
    assert ids(owner, author=DIRECT, search="list-", gated=True) == listed[1:2]
    assert set(ids(owner, author=DIRECT, search="list-", gated=False)) == {listed[0], listed[2]}


def test_by_one_tag(owner, listed) -> None:
    assert set(ids(owner, filter="listed")) == set(listed)
    assert ids(owner, filter="no-such-tag") == []


def test_by_several_tags_at_once(owner, listed) -> None:
    assert ids(owner, filter=["listed", "two"]) == listed[1:2]
    assert ids(owner, filter=["one", "two"]) == []


def test_by_license(owner, listed) -> None:
    assert set(ids(owner, filter=["license:mit", "listed"])) == {listed[0], listed[2]}


def test_by_pipeline_tag(owner, listed) -> None:
    assert ids(owner, pipeline_tag="fill-mask", search="list-") == listed[1:2]


def test_by_library(owner, listed) -> None:
    assert ids(owner, filter="transformers", search="list-") == listed[:1]


def test_by_language(owner, listed) -> None:
    assert ids(owner, filter="de", search="list-") == listed[2:]


def test_by_dataset(owner, listed) -> None:
    assert ids(owner, trained_dataset="acme/corpus", search="list-") == listed[1:2]


def test_by_emissions(owner, listed) -> None:
    found = ids(owner, search="list-", emissions_thresholds=(10, 20), cardData=True)
    assert found == listed[2:]


def test_nothing_is_served_by_inference_providers_here(owner, listed) -> None:
    assert ids(owner, search="list-", inference="warm") == []
    assert ids(owner, search="list-", inference_provider="all") == []


def test_a_limit(owner, listed) -> None:
    assert len(ids(owner, search="list-", limit=2)) == 2


def test_pages_hold_everything_once(owner, listed) -> None:
    with owner.http as http:
        seen, address = [], "/api/models?search=list-&limit=1&sort=createdAt"
        while address:
            answer = http.get(address)
            seen += [model["id"] for model in answer.json()]
            assert answer.links.get("next", {}).get("url", "http").startswith("http")
            address = answer.links.get("next", {}).get("url", "")
    assert seen == listed[::-1]


def test_filtered_pages_hold_everything_once(owner, listed) -> None:
    with owner.http as http:
        seen, address = [], "/api/models?filter=listed&limit=1"
        while address:
            answer = http.get(address)
            seen += [model["id"] for model in answer.json()]
            address = answer.links.get("next", {}).get("url", "")
    assert sorted(seen) == sorted(listed)


@pytest.mark.parametrize("sort", ["created_at", "last_modified", "downloads", "likes", "trending_score"])
def test_sorted(owner, listed, sort) -> None:
    assert set(ids(owner, search="list-", sort=sort)) == set(listed)


def test_sorted_by_age_the_newest_first(owner, listed) -> None:
    assert ids(owner, search="list-", sort="created_at") == listed[::-1]


def test_sorted_by_change_the_latest_first(owner, listed) -> None:
    models = list(owner.api.list_models(author=DIRECT, sort="last_modified", limit=20))
    moments = [model.last_modified for model in models]
    assert moments == sorted(moments, reverse=True)


def test_full_tells_files_tags_and_commit(owner, listed) -> None:
    (model,) = owner.api.list_models(search="list-alpha", full=True)
    assert {"README.md", "config.json"} <= {file.rfilename for file in model.siblings}
    assert "license:mit" in model.tags and len(model.sha) == 40 and model.last_modified


def test_tags_and_task_are_told_without_asking(owner, listed) -> None:
    (model,) = owner.api.list_models(search="list-alpha")
    assert "one" in model.tags and (model.pipeline_tag, model.library_name) == ("text-generation", "transformers")


def test_card_data_on_demand(owner, listed) -> None:
    (model,) = owner.api.list_models(search="list-alpha", cardData=True)
    assert model.card_data.license == "mit"
    (model,) = owner.api.list_models(search="list-alpha")
    assert model.card_data is None


def test_configuration_on_demand(owner, listed) -> None:
    (model,) = owner.api.list_models(search="list-alpha", fetch_config=True)
    assert model.config == {"model_type": "llama"}


def test_expanded_lists_tell_what_is_named(owner, listed) -> None:
    (model,) = owner.api.list_models(search="list-alpha", expand=["downloads", "tags"])
    assert model.downloads == 0 and "one" in model.tags and model.sha is None and model.created_at is None


def test_a_list_expanded_by_an_unknown_property_is_a_bad_request(owner) -> None:
    with pytest.raises(BadRequestError):
        list(owner.api.list_models(expand=["everything"]))


def test_unknown_sorting_is_a_bad_request(owner) -> None:
    with pytest.raises(BadRequestError):
        list(owner.api.list_models(sort="beauty"))


def test_lists_hide_what_is_hidden(owner, stranger, nobody, new_id) -> None:
    hidden = owner.api.create_repo(new_id(), private=True).repo_id
    assert hidden in ids(owner, author=DIRECT)
    for outside in (stranger, nobody):
        assert hidden not in ids(outside, author=DIRECT)
        assert ids(outside, author=GOVERNED, search="hidden") == []


def test_outsiders_find_a_governed_model_by_the_card_that_is_served(world, stranger, writer) -> None:
    api = world.person(f"{GOVERNED}-writer").api
    api.upload_file(
        repo_id=f"{GOVERNED}/automatic",
        path_or_fileobj=b"---\ntags: [unreleased]\n---\n",
        path_in_repo="README.md",
    )
    assert ids(writer, filter="unreleased") == [f"{GOVERNED}/automatic"]
    assert ids(stranger, filter="unreleased") == []
    assert f"{GOVERNED}/automatic" in ids(stranger, filter="license:apache-2.0", author=GOVERNED)
