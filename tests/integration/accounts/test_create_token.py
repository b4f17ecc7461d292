"""`manage.py create_token`."""

import io

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Token
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def create(*words):
    out = io.StringIO()
    call_command("create_token", *words, stdout=out)
    return out.getvalue().strip()


def test_it_prints_a_secret_that_works():
    make_user("pipeline", password=None, is_service=True)
    secret = create("pipeline", "--scope", "write", "--scope", "read", "--expires-days", "7")
    token = Token.objects.get()
    assert token.secret_sha256 == Token.digest_of(secret)
    assert token.scopes == ["read", "write"]
    assert (token.expires_at - token.created_at).days == 7


def test_without_options_it_reads_for_ninety_days():
    make_user("ada")
    create("ada")
    token = Token.objects.get()
    assert (token.scopes, (token.expires_at - token.created_at).days) == (["read"], 90)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nobody"], "There is no user “nobody”."),
        (["ada", "--scope", "admin"], "“admin” is no scope"),
        (["ada", "--expires-days", "0"], "A token lasts from 1 to 365 days, not 0."),
        (["ada", "--name", ""], "A token has a name of 1 to 100 characters"),
    ],
)
def test_refusals_are_sentences(words, said):
    make_user("ada")
    with pytest.raises(CommandError, match=said):
        create(*words)
    assert not Token.objects.exists()
