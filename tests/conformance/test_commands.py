"""The `hf` command, as it is installed."""

from __future__ import annotations

import json
import os

import pytest

from tests.conformance.test_uploads import read, write
from tests.conformance.world import DIRECT, GOVERNED


def test_auth_whoami(hf, owner) -> None:
    said = hf(owner, "auth", "whoami").stdout
    assert owner.name in said and DIRECT in said


def test_auth_whoami_without_a_token(hf, nobody) -> None:
    done = hf(nobody, "auth", "whoami", fails=True)
    assert "logged in" in (done.stdout + done.stderr).lower()


def test_auth_login_and_logout(hf, owner, nobody) -> None:
    hf(nobody, "auth", "login", "--token", owner.token)
    assert owner.name in hf(nobody, "auth", "whoami").stdout
    hf(nobody, "auth", "logout")


@pytest.mark.transfers
def test_upload_and_download_a_folder(hf, owner, new_id, tmp_path) -> None:
    repo, files = new_id(), {"a.txt": b"a", "sub dir/b 100%.txt": b"b", "w.bin": os.urandom(70_000)}
    said = hf(owner, "upload", repo, write(tmp_path / "in", files), ".").stdout
    assert repo in said
    hf(owner, "download", repo, "--local-dir", tmp_path / "out")
    back = read(tmp_path / "out")
    back.pop(".gitattributes")
    assert back == files


@pytest.mark.transfers
def test_upload_and_download_a_file(hf, owner, repo, tmp_path) -> None:
    (tmp_path / "w.bin").write_bytes(os.urandom(50_000))
    hf(owner, "upload", repo, "w.bin", "folder/w.bin", "--commit-message", "By command")
    assert owner.api.list_repo_commits(repo)[0].title == "By command"
    said = hf(owner, "download", repo, "folder/w.bin", "--quiet").stdout.strip()
    with open(said, "rb") as file:  # noqa: PTH123
        assert file.read() == (tmp_path / "w.bin").read_bytes()


def test_upload_patterns_and_deletions(hf, owner, repo, tmp_path) -> None:
    owner.api.upload_file(repo_id=repo, path_or_fileobj=b"old", path_in_repo="old.log")
    folder = write(tmp_path / "in", {"a.txt": b"a", "b.tmp": b"b", "c.txt": b"c"})
    hf(owner, "upload", repo, folder, ".", "--include", "*.txt", "--exclude", "c*", "--delete", "*.log")
    assert owner.api.list_repo_files(repo) == [".gitattributes", "a.txt"]


def test_upload_to_a_branch_that_is_made_for_it(hf, owner, repo, tmp_path) -> None:
    write(tmp_path, {"a.txt": b"a"})
    hf(owner, "upload", repo, "a.txt", "--revision", "candidate/1")
    assert owner.api.file_exists(repo, "a.txt", revision="candidate/1") and not owner.api.file_exists(repo, "a.txt")


def test_upload_as_a_pull_request(hf, owner, repo, tmp_path) -> None:
    write(tmp_path, {"a.txt": b"a"})
    hf(owner, "upload", repo, "a.txt", "--create-pr")
    assert owner.api.file_exists(repo, "a.txt", revision="refs/pr/1") and not owner.api.file_exists(repo, "a.txt")


def test_upload_into_a_governed_namespace(hf, writer, stranger, new_id, tmp_path) -> None:
    repo = new_id(GOVERNED)
    hf(writer, "upload", repo, write(tmp_path / "in", {"config.json": b"{}"}), ".")
    assert writer.api.file_exists(repo, "config.json") and not stranger.api.repo_exists(repo)


def test_upload_where_one_may_not(hf, stranger, tmp_path) -> None:
    write(tmp_path, {"a.txt": b"a"})
    done = hf(stranger, "upload", f"{GOVERNED}/served", "a.txt", fails=True)
    assert "403" in done.stderr + done.stdout


def test_download_patterns_revision_and_dry_run(hf, owner, repo, tmp_path) -> None:
    owner.api.upload_folder(repo_id=repo, folder_path=write(tmp_path / "in", {"a.txt": b"a", "b.json": b"{}"}))
    owner.api.create_tag(repo, tag="v1")
    hf(owner, "download", repo, "--revision", "v1", "--include", "*.json", "--local-dir", tmp_path / "out")
    assert set(read(tmp_path / "out")) == {"b.json"}
    assert "a.txt" in hf(owner, "download", repo, "--dry-run").stdout


def test_download_behind_a_gate_says_why(hf, stranger) -> None:
    done = hf(stranger, "download", f"{GOVERNED}/gated", "config.json", fails=True)
    assert "not in the authorized list" in done.stderr + done.stdout or "gated" in (done.stderr + done.stdout).lower()


def test_download_of_what_is_missing(hf, stranger, repo) -> None:
    for words in ((f"{GOVERNED}/hidden",), (repo, "none.txt"), (repo, "--revision", "nowhere")):
        done = hf(stranger, "download", *words, fails=True)
        assert "not found" in (done.stderr + done.stdout).lower()


def test_repos_create_settings_move_delete(hf, owner, stranger, new_id) -> None:
    first, second = new_id(), new_id()
    hf(owner, "repos", "create", first, "--private")
    assert not stranger.api.repo_exists(first)
    hf(owner, "repos", "create", first, "--exist-ok")
    hf(owner, "repos", "settings", first, "--public", "--gated", "auto")
    assert stranger.api.model_info(first).gated == "auto"
    hf(owner, "repos", "move", first, second)
    assert owner.api.model_info(first).id == second
    hf(owner, "repos", "delete", second, "--yes")
    assert not owner.api.repo_exists(second)


def test_repos_settings_of_a_governed_model_say_where_to_go(hf, world) -> None:
    owner = world.person(f"{GOVERNED}-owner")
    done = hf(owner, "repos", "settings", f"{GOVERNED}/served", "--private", fails=True)
    assert "change only through a release" in done.stderr + done.stdout


def test_repos_branch_and_tag(hf, owner, repo) -> None:
    hf(owner, "repos", "branch", "create", repo, "dev")
    hf(owner, "repos", "tag", "create", repo, "v1.0", "-m", "First")
    refs = owner.api.list_repo_refs(repo)
    assert [ref.name for ref in refs.branches] == ["dev", "main"] and [ref.name for ref in refs.tags] == ["v1.0"]
    assert "v1.0" in hf(owner, "repos", "tag", "list", repo).stdout
    hf(owner, "repos", "branch", "delete", repo, "dev")
    hf(owner, "repos", "tag", "delete", repo, "v1.0", "--yes")
    assert len(owner.api.list_repo_refs(repo).branches) == 1 and not owner.api.list_repo_refs(repo).tags


DELETED = {"a.log": b"a", "b/c.log": b"c", "d": b"d"}


def test_repos_delete_files(hf, owner, repo, tmp_path) -> None:
    owner.api.upload_folder(repo_id=repo, folder_path=write(tmp_path / "in", DELETED))
    hf(owner, "repos", "delete-files", repo, "*.log", "b/")
    assert owner.api.list_repo_files(repo) == [".gitattributes", "d"]


def test_models_list_info_card(hf, owner, repo) -> None:
    card = b"---\nlicense: mit\ntags: [by-command]\n---\n# Command\n"
    owner.api.upload_file(repo_id=repo, path_or_fileobj=card, path_in_repo="README.md")
    listed = json.loads(hf(owner, "models", "ls", "--author", DIRECT, "--filter", "by-command", "--json").stdout)
    assert repo in json.dumps(listed)
    assert json.loads(hf(owner, "models", "info", repo, "--json").stdout)["id"] == repo
    assert "# Command" in hf(owner, "models", "card", repo).stdout
    assert "README.md" in hf(owner, "models", "ls", repo, "-R").stdout


def test_cache_list_verify_remove(hf, owner, repo) -> None:
    hf(owner, "download", repo)
    assert repo in hf(owner, "cache", "ls").stdout
    hf(owner, "cache", "verify", repo)
    hf(owner, "cache", "rm", f"model/{repo}", "--yes")
    assert repo not in hf(owner, "cache", "ls").stdout


@pytest.mark.whole
def test_auth_list_token_switch(hf, owner, nobody) -> None:
    hf(nobody, "auth", "login", "--token", owner.token)
    listed = hf(nobody, "auth", "list").stdout
    assert "conformance" in listed or owner.token[:3] in listed or len(listed.splitlines()) > 1
    assert owner.token in hf(nobody, "auth", "token").stdout


@pytest.mark.whole
def test_copies_of_single_files(hf, owner, repo, tmp_path) -> None:
    write(tmp_path, {"a.txt": b"words\n", "w.bin": bytes(range(256)) * 40})
    hf(owner, "cp", "w.bin", f"hf://{repo}/folder/w.bin")
    hf(owner, "repos", "cp", "a.txt", f"hf://{repo}/a.txt")
    assert owner.api.file_exists(repo, "folder/w.bin")
    hf(owner, "cp", f"hf://{repo}/folder/w.bin", tmp_path / "out.bin")
    assert (tmp_path / "out.bin").read_bytes() == (tmp_path / "w.bin").read_bytes()
    assert hf(owner, "cp", f"hf://{repo}/a.txt", "-").stdout == "words\n"
    hf(owner, "cp", f"hf://{repo}/a.txt", f"hf://{repo}/b.txt")
    assert owner.api.file_exists(repo, "b.txt")


@pytest.mark.whole
def test_repos_duplicate_and_cache_prune(hf, owner, repo, new_id) -> None:
    owner.api.upload_file(repo_id=repo, path_or_fileobj=b"x", path_in_repo="a.txt")
    other = new_id()
    hf(owner, "repos", "duplicate", repo, other)
    assert owner.api.file_exists(other, "a.txt")
    hf(owner, "download", repo)
    hf(owner, "cache", "prune", "--yes")


@pytest.mark.whole
def test_what_is_left_out_says_so_by_command(hf, owner) -> None:
    for words in (("datasets", "list"), ("collections", "list"), ("webhooks", "list")):
        done = hf(owner, *words, fails=True)
        assert "keeps model repositories" in done.stdout + done.stderr, words
