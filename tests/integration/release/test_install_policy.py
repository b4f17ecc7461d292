"""The command that puts a release policy in force."""

from __future__ import annotations

import pytest
import yaml
from django.core.management import CommandError, call_command

from release.models import ReleasePolicy
from release.services.policies import default_document

pytestmark = pytest.mark.django_db


def test_the_default_is_installed_where_there_is_none(capsys):
    call_command("install_policy")
    assert ReleasePolicy.objects.get().document == default_document()
    assert "Release policy 1 is in force" in capsys.readouterr().out


def test_without_a_document_a_policy_in_force_stays(tmp_path, capsys):
    document = default_document()
    document["approvals"]["gated"] = ["legal_reviewer"]
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    call_command("install_policy", tmp_path / "policy.yaml", note="Gated needs legal alone.")
    call_command("install_policy")
    assert ReleasePolicy.objects.get().document == document
    assert "in force already" in capsys.readouterr().out


def test_the_same_document_twice_is_one_version(tmp_path):
    call_command("install_policy")
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump(default_document()), encoding="utf-8")
    call_command("install_policy", tmp_path / "policy.yaml")
    assert ReleasePolicy.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda document: document.pop("approvals"), "“approvals” is missing"),
        (lambda document: document["approvals"].update(public=["janitor"]), "approvals.public"),
        (lambda document: document["evidence"]["public"].update(smoke=["not_run"]), "evidence.public.smoke"),
        (lambda document: document["evidence"]["public"].update(horoscope=["pass"]), "evidence.public"),
        (lambda document: document["evidence"].update(secret={}), "“secret” is unknown"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused_by_its_place(tmp_path, change, place):
    document = default_document()
    change(document)
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    with pytest.raises(CommandError, match=place.replace(".", r"\.")):
        call_command("install_policy", tmp_path / "policy.yaml")
    assert not ReleasePolicy.objects.exists()


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("install_policy", tmp_path / "absent.yaml")
