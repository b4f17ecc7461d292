"""How environment variables become settings, and what is said of those that cannot."""

import re
from pathlib import Path

import pytest

from config import environment as env
from config.environment import BadSetting
from config.launcher.instance import ROOT, VARIABLES


def test_text_prefers_the_variable_to_its_file(monkeypatch, tmp_path: Path):
    (tmp_path / "secret").write_text(" from a file \n")
    monkeypatch.setenv("X_NAME_FILE", str(tmp_path / "secret"))
    assert env.text("X_NAME") == "from a file"
    monkeypatch.setenv("X_NAME", "given")
    assert env.text("X_NAME") == "given"


def test_text_without_value_or_default_names_the_variable(monkeypatch):
    monkeypatch.delenv("X_NAME", raising=False)
    with pytest.raises(BadSetting, match="X_NAME is not set"):
        env.text("X_NAME")


@pytest.mark.parametrize(
    ("given", "expected"), [("1", True), ("Yes", True), ("on", True), ("0", False), ("FALSE", False)]
)
def test_boolean_reads_claims(monkeypatch, given, expected):
    monkeypatch.setenv("X_FLAG", given)
    assert env.boolean("X_FLAG", not expected) is expected


def test_boolean_refuses_anything_else(monkeypatch):
    monkeypatch.setenv("X_FLAG", "maybe")
    with pytest.raises(BadSetting, match=re.escape("X_FLAG='maybe'")):
        env.boolean("X_FLAG", default=True)


def test_integer_refuses_words_and_numbers_that_are_too_small(monkeypatch):
    monkeypatch.setenv("X_COUNT", "many")
    with pytest.raises(BadSetting, match="not a whole number"):
        env.integer("X_COUNT", 1)
    monkeypatch.setenv("X_COUNT", "1")
    with pytest.raises(BadSetting, match="below 2"):
        env.integer("X_COUNT", 5, at_least=2)


def test_words_leaves_out_empty_members(monkeypatch):
    monkeypatch.setenv("X_LIST", "a, ,b,")
    assert env.words("X_LIST") == ["a", "b"]


def test_database_unquotes_each_part(monkeypatch):
    monkeypatch.setenv("X_URL", "postgresql://us%40er:p%2Fw@db.example:5433/na%20me")
    entry = env.database("X_URL")
    assert (entry["USER"], entry["PASSWORD"], entry["HOST"], entry["PORT"], entry["NAME"]) == (
        "us@er",
        "p/w",
        "db.example",
        "5433",
        "na me",
    )


def test_database_takes_the_folder_of_a_socket_as_host(monkeypatch):
    monkeypatch.setenv("X_URL", "postgresql://user@%2Frun%2FPostgres/name")
    assert env.database("X_URL")["HOST"] == "/run/Postgres"


def test_database_refuses_other_servers(monkeypatch):
    monkeypatch.setenv("X_URL", "sqlite:///file")
    with pytest.raises(BadSetting, match="only postgresql://"):
        env.database("X_URL")


def test_choice_knows_its_words(monkeypatch):
    assert env.choice("X_KIND", "disk", "s3") == "disk"
    monkeypatch.setenv("X_KIND", "s3")
    assert env.choice("X_KIND", "disk", "s3") == "s3"
    monkeypatch.setenv("X_KIND", "S3 ")
    with pytest.raises(env.BadSetting, match="X_KIND='S3 ' is none of disk, s3"):
        env.choice("X_KIND", "disk", "s3")


def test_credentials_are_found_by_prefix_in_variables_and_files(monkeypatch, tmp_path: Path):
    (tmp_path / "token").write_text("two\n")
    monkeypatch.setenv("X_TOKEN_ONE", "one")
    monkeypatch.setenv("X_TOKEN_PUBLIC_HUB_FILE", str(tmp_path / "token"))
    assert env.credentials("X_TOKEN_") == {"one": "one", "public-hub": "two"}


def test_launcher_knows_every_variable_that_settings_read():
    """Else the second instance would take over what makes the first one the first."""
    source = (ROOT / "config" / "settings.py").read_text()
    read = set(re.findall(r"env\.(?:text|choice|boolean|integer|words|database)\(\s*\"(\w+)\"", source))
    assert read == VARIABLES


def test_every_variable_is_documented():
    text = (ROOT / "docs" / "operations.md").read_text()
    assert {name for name in VARIABLES if f"`{name}`" not in text} == set()
