"""What the client has methods for and this instance does not: each call ends with the reason and where to go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from huggingface_hub import CommitOperationCopy, Volume, constants
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

from tests.conformance.world import GOVERNED

REPO = f"{GOVERNED}/served"
FOLLOWS = "no lists of who follows"

# By what the refusal says, each method with the arguments that it is called with.
CALLS: dict[str, dict[str, dict[str, Any]]] = {
    "no datasets": {
        "dataset_info": {"repo_id": "a/b"},
        "list_datasets": {},
        "get_dataset_leaderboard": {"repo_id": "a/b"},
    },
    "no kernels": {"kernel_info": {"repo_id": "a/b"}},
    "no spaces": {
        "space_info": {"repo_id": "a/b"},
        "list_spaces": {},
        "list_spaces_hardware": {},
        "list_space_templates": {},
        "search_spaces": {"query": "x"},
        "get_zero_gpu_quota": {},
        "get_space_runtime": {"repo_id": "a/b"},
        "get_space_secrets": {"repo_id": "a/b"},
        "get_space_variables": {"repo_id": "a/b"},
        "add_space_secret": {"repo_id": "a/b", "key": "K", "value": "v"},
        "add_space_variable": {"repo_id": "a/b", "key": "K", "value": "v"},
        "delete_space_secret": {"repo_id": "a/b", "key": "K"},
        "delete_space_variable": {"repo_id": "a/b", "key": "K"},
        "delete_space_volumes": {"repo_id": "a/b"},
        "set_space_volumes": {"repo_id": "a/b", "volumes": [Volume(type="model", source="a/b", mount_path="/m")]},
        "set_space_sleep_time": {"repo_id": "a/b", "sleep_time": 60},
        "request_space_hardware": {"repo_id": "a/b", "hardware": "cpu-basic"},
        "enable_space_dev_mode": {"repo_id": "a/b"},
        "disable_space_dev_mode": {"repo_id": "a/b"},
        "fetch_space_logs": {"repo_id": "a/b"},
        "pause_space": {"repo_id": "a/b"},
        "restart_space": {"repo_id": "a/b"},
        "wait_for_space": {"repo_id": "a/b"},
    },
    "no buckets": {
        "bucket_info": {"bucket_id": "a/b"},
        "batch_bucket_files": {"bucket_id": "a/b", "delete": ["x"]},
        "create_bucket": {"bucket_id": "a/b"},
        "delete_bucket": {"bucket_id": "a/b"},
        "download_bucket_files": {"bucket_id": "a/b", "files": [("x", "x")]},
        "get_bucket_file_metadata": {"bucket_id": "a/b", "remote_path": "x"},
        "get_bucket_paths_info": {"bucket_id": "a/b", "paths": ["x"]},
        "list_bucket_tree": {"bucket_id": "a/b"},
        "list_buckets": {"namespace": "a"},
        "move_bucket": {"from_id": "a/b", "to_id": "a/c"},
        "sync_job_volume": {"source": ".", "mount_path": "/data", "namespace": "a"},
        "sync_bucket": {"source": "hf://buckets/a/b", "dest": "."},
        "update_bucket_settings": {"bucket_id": "a/b", "private": True},
    },
    "no jobs": {
        "list_jobs_hardware": {},
        "list_jobs": {"namespace": "a"},
        "list_scheduled_jobs": {"namespace": "a"},
        "run_job": {"image": "x", "command": ["x"], "namespace": "a"},
        "run_uv_job": {"script": "https://example.org/x.py", "namespace": "a"},
        "create_scheduled_job": {"image": "x", "command": ["x"], "schedule": "@daily", "namespace": "a"},
        "create_scheduled_uv_job": {"script": "https://example.org/x.py", "schedule": "@daily", "namespace": "a"},
        "rerun_job": {"job_id": "1", "namespace": "a"},
        "cancel_job": {"job_id": "1", "namespace": "a"},
        "inspect_job": {"job_id": "1", "namespace": "a"},
        "fetch_job_logs": {"job_id": "1", "namespace": "a"},
        "fetch_job_metrics": {"job_id": "1", "namespace": "a"},
        "wait_for_job": {"job_id": "1", "namespace": "a"},
        "update_job_expose": {"job_id": "1", "namespace": "a"},
        "update_job_labels": {"job_id": "1", "labels": {}, "namespace": "a"},
        "inspect_scheduled_job": {"scheduled_job_id": "1", "namespace": "a"},
        "delete_scheduled_job": {"scheduled_job_id": "1", "namespace": "a"},
        "suspend_scheduled_job": {"scheduled_job_id": "1", "namespace": "a"},
        "resume_scheduled_job": {"scheduled_job_id": "1", "namespace": "a"},
        "trigger_scheduled_job": {"scheduled_job_id": "1", "namespace": "a"},
        "update_scheduled_job_labels": {"scheduled_job_id": "1", "labels": {}, "namespace": "a"},
        "update_scheduled_job_schedule": {"scheduled_job_id": "1", "schedule": "@daily", "namespace": "a"},
    },
    "no webhooks": {
        "create_webhook": {"watched": [{"type": "user", "name": "a"}], "url": "https://example.org"},
        "delete_webhook": {"webhook_id": "1"},
        "disable_webhook": {"webhook_id": "1"},
        "enable_webhook": {"webhook_id": "1"},
        "get_webhook": {"webhook_id": "1"},
        "list_webhooks": {},
        "update_webhook": {"webhook_id": "1"},
    },
    "no collections": {
        "add_collection_item": {"collection_slug": "a/b", "item_id": REPO, "item_type": "model"},
        "create_collection": {"title": "x", "namespace": "a"},
        "delete_collection": {"collection_slug": "a/b"},
        "delete_collection_item": {"collection_slug": "a/b", "item_object_id": "1"},
        "get_collection": {"collection_slug": "a/b"},
        "list_collections": {},
        "update_collection_item": {"collection_slug": "a/b", "item_object_id": "1"},
        "update_collection_metadata": {"collection_slug": "a/b"},
        "update_collection_resource_group": {"collection_slug": "a/b", "resource_group_id": "1"},
    },
    "no papers": {
        "list_daily_papers": {},
        "list_papers": {"query": "x"},
        "paper_info": {"id": "1"},
    },
    "no likes": {
        "list_liked_repos": {"user": "a"},
        "list_repo_likers": {"repo_id": REPO},
        "unlike": {"repo_id": REPO},
    },
    FOLLOWS: {
        "get_organization_overview": {"organization": GOVERNED},
        "list_organization_followers": {"organization": GOVERNED},
        "list_organization_members": {"organization": GOVERNED},
        "list_user_followers": {"username": "a"},
        "list_user_following": {"username": "a"},
    },
    "no lists of all tags": {"get_dataset_tags": {}, "get_model_tags": {}},
    "no collected headers": {"get_sharded_safetensors_metadata": {"repo_id": REPO}},
}


@pytest.mark.filterwarnings("ignore:'HfApi:UserWarning")  # that a method is experimental
@pytest.mark.parametrize("sentence", CALLS)
def test_what_is_left_out_says_so(owner, sentence: str) -> None:
    for method, named in CALLS[sentence].items():
        with pytest.raises(HfHubHTTPError, match=f"(keeps|Only) model repositories.*{sentence}") as refused:
            _ended(getattr(owner.api, method), named)
        assert refused.value.response.status_code == 404, method


def _ended(method: Callable[..., Any], named: dict[str, Any]) -> None:
    found = method(**named)
    if hasattr(found, "__next__"):
        list(found)


def test_other_kinds_of_repositories_are_missing(owner, nobody) -> None:
    for who in (owner, nobody):
        for kind in ("dataset", "space"):
            assert not who.api.repo_exists("a/b", repo_type=kind)
            with pytest.raises(RepositoryNotFoundError, match="keeps model repositories"):
                who.api.list_repo_files("a/b", repo_type=kind)


def test_large_files_are_not_copied_between_repositories(owner, repo, new_id) -> None:
    owner.api.upload_file(repo_id=repo, path_or_fileobj=b"\0" * 100, path_in_repo="a.bin")
    other = owner.api.create_repo(new_id()).repo_id
    copy = CommitOperationCopy("a.bin", "b.bin", src_repo_id=repo, src_repo_type="model")
    with pytest.raises(ValueError, match="no xet hash"):
        owner.api.create_commit(other, [copy], commit_message="Copy")
    assert not owner.api.file_exists(other, "b.bin")


def test_endpoints_are_asked_for_elsewhere() -> None:
    """The client has one address for these services; they never ask whoever `HF_ENDPOINT` names."""
    assert "huggingface" in constants.INFERENCE_ENDPOINTS_ENDPOINT
    assert "huggingface" in constants.INFERENCE_CATALOG_ENDPOINT
