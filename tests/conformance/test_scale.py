"""Commits and lists of many files."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import CommitOperationAdd

MANY = 10_000


def test_ten_thousand_files_in_a_commit(owner, repo) -> None:
    paths = [f"f/{number // 100:02}/{number:05}.txt" for number in range(MANY)]
    operations = [CommitOperationAdd(path, b"%d" % number) for number, path in enumerate(paths)]
    owner.api.create_commit(repo, operations, commit_message="Ten thousand")
    assert set(owner.api.list_repo_files(repo)) == {".gitattributes", *paths}
    assert Path(owner.api.hf_hub_download(repo, paths[7342])).read_bytes() == b"7342"
    with owner.http as http:
        page = http.get(f"/api/models/{repo}/tree/main", params={"recursive": "true"})
        assert len(page.json()) == 1000 and page.links["next"]["url"]
