"""Refusals as the Hub's client understands them: it chooses its exception by status and headers.

Owns the mapping from rules' codes to the protocol's; sentences belong to the rules and are never read here.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpResponse, JsonResponse

from accounts import policies as accounts
from gating.policies.access import NOT_FOUND
from hub import policies
from registry import policies as registry
from rules import Refused, Verdict

REPO, REVISION, ENTRY, GATE = "RepoNotFound", "RevisionNotFound", "EntryNotFound", "GatedRepo"
CHALLENGE = 'Bearer realm="Authentication required", charset="UTF-8"'
MESSAGE_CHARACTERS = 600
# What the protocol answers where it differs from the status that the rule's kind has elsewhere.
ANSWERS: Mapping[str, tuple[int, str]] = {
    registry.REVISION_MISSING.code: (404, REVISION),
    registry.PATH_MISSING.code: (404, ENTRY),
    registry.BRANCH_MOVED.code: (412, ""),
    registry.UNKNOWN.code: (404, REPO),
    registry.CONTENT_UNKNOWN.code: (400, ""),
    registry.BAD_REF_NAME.code: (400, ""),
    registry.BAD_NAME.code: (400, ""),
    policies.MALFORMED.code: (400, ""),
    policies.BODY_CUT.code: (400, ""),
    policies.TOO_MANY_REQUESTS.code: (429, ""),
    policies.TOO_LARGE.code: (413, ""),
    policies.WRONG_METHOD.code: (405, ""),
    policies.MODELS_ONLY.code: (404, REPO),
    policies.BAD_XORB.code: (400, ""),
    policies.BAD_SHARD.code: (400, ""),
    policies.XORB_GONE.code: (400, ""),
    policies.TOO_REPETITIVE.code: (400, ""),
    policies.RANGE_OUTSIDE.code: (416, ""),
    policies.NOT_GATED.code: (400, "RepoNotGated"),
    policies.HAS_ACCESS.code: (400, ""),
    policies.NO_REQUEST.code: (404, ""),
    policies.NO_USER.code: (404, ""),
    policies.BAD_TITLE.code: (400, ""),
    policies.BAD_COMMENT.code: (400, ""),
}
PLAIN = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "…": "..."})


class HubRefused(Exception):
    """A refusal with what the protocol adds to it: a code of its own, headers, fields of the body."""

    def __init__(
        self,
        verdict: Verdict,
        *,
        code: str = "",
        headers: Mapping[str, str] | None = None,
        fields: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(verdict.sentence)
        self.verdict, self.code, self.headers, self.fields = verdict, code, headers or {}, fields or {}

    def response(self) -> HttpResponse:
        """The answer to the refusal, whose status is that of the gravest reason."""
        status, code = ANSWERS.get(self.verdict.reasons[0].code, (self.verdict.status, ""))
        return _answer(status, self.code or code, self.verdict, self.headers, self.fields)


def missing_repo() -> Refused:
    """What is raised for a repository that is not there; hidden ones raise the same."""
    return Refused.because(NOT_FOUND)


def response(refused: Refused, *, is_somebody: bool) -> HttpResponse:
    """The answer to a refusal that some service raised."""
    codes = refused.verdict.codes
    if NOT_FOUND.code in codes:
        return _hidden(is_somebody)
    if accounts.BAD_TOKEN.code in codes:
        return plain(401, "Invalid credentials in Authorization header")
    return HubRefused(refused.verdict).response()


def plain(status: int, message: str, code: str = "") -> HttpResponse:
    """An answer in the protocol's own words."""
    return _finish(JsonResponse({"error": message}, status=status), message, code)


def sent_on(location: str) -> HttpResponse:
    """A redirect that keeps method and body."""
    answer = JsonResponse({"error": "The repository was renamed."}, status=307)
    answer["Location"] = location
    return answer


def ascii_text(text: str) -> str:
    """Text as a header can carry it: one line, ASCII, other characters as a star."""
    plain_text = text.translate(PLAIN)[:MESSAGE_CHARACTERS]
    return "".join(character if " " <= character <= "~" else "*" for character in plain_text)


def _hidden(is_somebody: bool) -> HttpResponse:
    if is_somebody:
        return plain(404, "Repository not found", REPO)
    return plain(401, "Invalid username or password.", REPO)


def _answer(
    status: int, code: str, verdict: Verdict, headers: Mapping[str, str], fields: Mapping[str, object]
) -> HttpResponse:
    sentence = _as_shown(verdict.sentence, status, code)
    body = {"error": sentence, "reasons": verdict.as_list()} | dict(fields)
    answer = _finish(JsonResponse(body, status=status), sentence, code)
    for name, value in headers.items():
        answer[name] = value
    return answer


def _as_shown(sentence: str, status: int, code: str) -> str:
    """The sentence as the client shows it: once where header and body say the same, and a 403 with a full stop of the
    client's own behind it."""
    plain_text = sentence.translate(PLAIN)
    return plain_text.removesuffix(".") if status == 403 and not code else plain_text


def _finish(answer: HttpResponse, message: str, code: str) -> HttpResponse:
    answer["X-Error-Message"] = ascii_text(message)
    if code:
        answer["X-Error-Code"] = code
    if answer.status_code == 401:
        answer["WWW-Authenticate"] = CHALLENGE
    answer["Cache-Control"] = "no-store"
    return answer
