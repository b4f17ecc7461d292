"""Import of a folder: below an allowed root, ordinary files alone, through no link."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from registry.selectors import head_of
from registry.services.imports import import_folder
from rules import Refused
from tests.factories import make_variant

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(tmp_path, settings):
    settings.IMPORT_ROOTS = [tmp_path / "allowed"]
    (tmp_path / "allowed").mkdir()
    return tmp_path / "allowed"


def fill(folder: Path, **files: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def codes(variant, folder: Path) -> set[str]:
    with pytest.raises(Refused) as refused:
        import_folder(variant=variant, folder=folder, by=variant.created_by)
    assert head_of(variant) is None
    return set(refused.value.verdict.codes)


def test_a_folder_becomes_a_checkpoint(root):
    variant = make_variant()
    fill(root / "model" / "sub", inner=b"3")
    fill(root / "model", config=b"1", weights=b"22")
    made = import_folder(variant=variant, folder=root / "model", by=variant.created_by)
    assert dict(made.checkpoint.files.values_list("path", "blob__size_bytes")) == {
        "config": 1,
        "weights": 2,
        "sub/inner": 1,
    }


def test_a_folder_outside_the_roots_is_refused(root, tmp_path):
    assert codes(make_variant(), fill(tmp_path / "elsewhere", a=b"1")) == {"registry.outside_import_roots"}
    assert codes(make_variant(), root / ".." / "elsewhere") == {"registry.outside_import_roots"}


def test_a_root_reached_through_a_link_is_judged_by_where_it_leads(root, tmp_path):
    (root / "innocent").symlink_to(fill(tmp_path / "elsewhere", a=b"1"))
    assert codes(make_variant(), root / "innocent") == {"registry.outside_import_roots"}


def test_links_are_refused_by_name(root, tmp_path):
    fill(root / "model", a=b"1")
    (root / "model" / "link").symlink_to("/etc/passwd")
    assert codes(make_variant(), root / "model") == {"registry.import_link"}


def test_linked_folders_are_refused(root, tmp_path):
    fill(root / "model", a=b"1")
    (root / "model" / "folder").symlink_to(tmp_path)
    assert codes(make_variant(), root / "model") == {"registry.import_link"}


def test_a_pipe_is_refused_and_never_opened(root):
    fill(root / "model", a=b"1")
    os.mkfifo(root / "model" / "pipe")
    assert codes(make_variant(), root / "model") == {"registry.import_special"}


def test_an_empty_folder_is_refused(root):
    (root / "model").mkdir()
    assert codes(make_variant(), root / "model") == {"registry.import_empty"}


def test_reserved_names_are_refused(root):
    assert codes(make_variant(), fill(root / "model", **{"aux.txt": b"1"})) == {"registry.bad_path"}


def test_the_command_says_what_it_made(root, capsys):
    variant = make_variant()
    fill(root / "model", a=b"1")
    call_command("import_checkpoint", root / "model", variant=variant.repo_id, username=variant.created_by.username)
    assert head_of(variant).checkpoint.digest in capsys.readouterr().out


def test_the_command_explains_refusals(root):
    variant = make_variant()
    with pytest.raises(CommandError, match="not below an allowed root"):
        call_command("import_checkpoint", "/etc", variant=variant.repo_id, username=variant.created_by.username)
    with pytest.raises(CommandError, match="There is no model"):
        call_command("import_checkpoint", root, variant="no/such", username=variant.created_by.username)
    with pytest.raises(CommandError, match="There is no user"):
        call_command("import_checkpoint", root, variant=variant.repo_id, username="nobody")
