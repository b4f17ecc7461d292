"""Model cards: read, written, changed."""

from __future__ import annotations

import pytest
from huggingface_hub import ModelCard, ModelCardData, constants, metadata_load, metadata_update
from huggingface_hub.errors import BadRequestError, EntryNotFoundError
from huggingface_hub.repocard_data import EvalResult


@pytest.fixture(autouse=True)
def at_the_endpoint(owner, monkeypatch) -> None:
    """Cards know no endpoint but that of HF_ENDPOINT."""
    from huggingface_hub import hf_api

    template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, owner.url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "ENDPOINT", owner.url)
    monkeypatch.setattr(hf_api.api, "endpoint", owner.url)


def test_push_and_load(owner, repo) -> None:
    card = ModelCard.from_template(
        ModelCardData(license="mit", language="en", tags=["tiny"]), model_id="Tiny", model_description="It is tiny."
    )
    card.push_to_hub(repo, token=owner.token)
    loaded = ModelCard.load(repo, token=owner.token)
    assert (loaded.data.license, loaded.data.tags) == ("mit", ["tiny"]) and "It is tiny." in loaded.text
    assert owner.api.model_info(repo).card_data.license == "mit"


def test_push_as_a_pull_request(owner, repo) -> None:
    made = ModelCard("---\nlicense: mit\n---\n# Hi\n").push_to_hub(repo, token=owner.token, create_pr=True)
    assert made.pr_revision == "refs/pr/1"
    assert not owner.api.file_exists(repo, "README.md")
    assert owner.api.file_exists(repo, "README.md", revision="refs/pr/1")


def test_validate() -> None:
    ModelCard("---\nlicense: mit\n---\n# Hi\n").validate()


def test_a_card_that_cannot_be_read_is_refused(owner, repo) -> None:
    with pytest.raises((ValueError, BadRequestError)):
        owner.api.upload_file(repo_id=repo, path_or_fileobj=b"---\na: [\n---\n", path_in_repo="README.md")
    assert not owner.api.file_exists(repo, "README.md")


def test_metadata_update(owner, repo) -> None:
    ModelCard("---\nlicense: mit\n---\n# Hi\n").push_to_hub(repo, token=owner.token)
    metadata_update(repo, {"pipeline_tag": "fill-mask"}, token=owner.token)
    card = ModelCard.load(repo, token=owner.token, ignore_metadata_errors=True)
    assert card.data.pipeline_tag == "fill-mask" and card.text.strip() == "# Hi"


def test_metadata_update_of_a_value_that_is_there(owner, repo) -> None:
    ModelCard("---\nlicense: mit\n---\n# Hi\n").push_to_hub(repo, token=owner.token)
    with pytest.raises(ValueError, match="overwrite"):
        metadata_update(repo, {"license": "apache-2.0"}, token=owner.token)
    metadata_update(repo, {"license": "apache-2.0"}, token=owner.token, overwrite=True)
    assert owner.api.model_info(repo).card_data.license == "apache-2.0"


def test_metadata_of_a_downloaded_card(owner, repo) -> None:
    ModelCard("---\nlicense: mit\ntags: [a, b]\n---\n# Hi\n").push_to_hub(repo, token=owner.token)
    assert metadata_load(owner.api.hf_hub_download(repo, "README.md")) == {"license": "mit", "tags": ["a", "b"]}


def test_evaluation_results(owner, repo) -> None:
    result = EvalResult(
        task_type="text-generation", dataset_type="acme/held-out", dataset_name="Held out", metric_type="bpb",
        metric_value=0.93,
    )  # fmt: skip
    data = ModelCardData(license="mit", model_name="Tiny", eval_results=[result])
    ModelCard(f"---\n{data.to_yaml()}\n---\n# Tiny\n").push_to_hub(repo, token=owner.token)
    (told,) = owner.api.model_info(repo).card_data.eval_results
    assert (told.metric_type, told.metric_value) == ("bpb", 0.93)


def test_a_missing_card(owner, repo) -> None:
    with pytest.raises(EntryNotFoundError):
        ModelCard.load(repo, token=owner.token)
