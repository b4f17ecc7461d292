"""The rules of who is who."""

from rules import Kind, Rule

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
    field="scope",
)
EXPIRY_OUT_OF_RANGE = Rule(
    "accounts.expiry_out_of_range",
    "A token lasts from 1 to 365 days, not {days}.",
    "You, by choosing a number in that range",
    Kind.WHAT,
    field="expires_days",
)
