"""The rules of who is who: signing in, and the tokens that stand for somebody."""

from __future__ import annotations

from collections.abc import Collection

from accounts.roles import Actor, Scope
from rules import Kind, Rule, Verdict

LONGEST_TOKEN_DAYS = 365
LONGEST_TOKEN_NAME = 100

BAD_TOKEN = Rule(
    "accounts.bad_token",
    "The token is unknown, expired or revoked.",
    "You, with a new token from your account page",
    Kind.LOCKED,
)
SIGN_IN_NEEDED = Rule(
    "accounts.sign_in_needed",
    "Nobody is signed in, and this needs somebody.",
    "You, by signing in or sending a token",
    Kind.LOCKED,
)
SCOPE_MISSING = Rule(
    "accounts.scope_missing",
    "The token does not have the scope “{scope}”.",
    "You, with a token that has this scope",
    Kind.WHO,
)
UNKNOWN_SCOPE = Rule(
    "accounts.unknown_scope",
    "“{scope}” is no scope; there are: {known}.",
    "You, by naming one that exists",
    Kind.WHAT,
    field="scopes",
)
EXPIRY_OUT_OF_RANGE = Rule(
    "accounts.expiry_out_of_range",
    "A token lasts from 1 to {longest} days, not {days}.",
    "You, by choosing a number in that range",
    Kind.WHAT,
    field="expires_days",
)
TOO_MANY_FAILURES = Rule(
    "accounts.too_many_failures",
    "Too many sign-ins failed from here. For {minutes} minutes nothing is checked, not even the right password.",
    "You, by waiting",
    Kind.PACE,
)
WRONG_CREDENTIALS = Rule(
    "accounts.wrong_credentials",
    "There is no open account with this user name and password. Both mind upper and lower case.",
    "You, by typing them again",
    Kind.WHAT,
)
NO_SCOPE = Rule(
    "accounts.no_scope",
    "A token needs at least one scope.",
    "You, by choosing what it may be used for",
    Kind.WHAT,
    field="scopes",
)
TOKEN_NAME_LENGTH = Rule(
    "accounts.token_name_length",
    "A token has a name of 1 to {longest} characters, by which you will know it.",
    "You, by choosing another name",
    Kind.WHAT,
    field="name",
)
TOKEN_CANNOT_MAKE_TOKENS = Rule(
    "accounts.token_cannot_make_tokens",
    "A token cannot make another one, which would outlive it when it is revoked.",
    "You, by signing in with your password",
    Kind.WHO,
)
NO_SUCH_TOKEN = Rule(
    "accounts.no_such_token",
    "You have no open token with this number.",
    "You, by naming one from your account page",
    Kind.MISSING,
)

ALREADY_ERASED = Rule(
    "accounts.already_erased",
    "This person is erased already.",
    "Nobody; there is nothing left to erase",
)
HOLDS_DUTIES = Rule(
    "accounts.holds_duties",
    "{username} still holds {duties}, which somebody must take over first.",
    "An owner of the organization, by taking it from them",
)


def may_erase(*, username: str, is_erased: bool, duties: Collection[str]) -> Verdict:
    """Whether a person may be erased: not while something depends on them."""
    return Verdict.of(
        ALREADY_ERASED.unless(not is_erased),
        HOLDS_DUTIES.unless(not duties, username=username, duties=", ".join(duties)),
    )


def may_create_token(*, name: str, scopes: Collection[str], expires_days: int) -> Verdict:
    """Whether a token may be made like this; every one expires."""
    unknown = [scope for scope in scopes if scope not in set(Scope)]
    return Verdict.of(
        TOKEN_NAME_LENGTH.unless(len(name.strip()) > 0 and len(name) <= LONGEST_TOKEN_NAME, longest=LONGEST_TOKEN_NAME),
        NO_SCOPE.unless(scopes),
        UNKNOWN_SCOPE.unless(not unknown, scope=", ".join(unknown), known=", ".join(Scope)),
        EXPIRY_OUT_OF_RANGE.unless(
            1 <= expires_days <= LONGEST_TOKEN_DAYS,
            days=expires_days,
            longest=LONGEST_TOKEN_DAYS,
        ),
    )


def may_manage_tokens(actor: Actor) -> Verdict:
    """Whether somebody may make tokens through the door that they came by: only one that asked for a password."""
    return Verdict.of(
        SIGN_IN_NEEDED.unless(not actor.is_anonymous),
        TOKEN_CANNOT_MAKE_TOKENS.unless(actor.scopes is None),
    )


def may_revoke_token(actor: Actor, *, is_itself: bool) -> Verdict:
    """Whether somebody may end one of their own tokens; a token may always end itself, as one that leaked should."""
    return Verdict.of(
        SIGN_IN_NEEDED.unless(not actor.is_anonymous),
        SCOPE_MISSING.unless(is_itself or actor.may_use(Scope.WRITE), scope=Scope.WRITE),
    )
