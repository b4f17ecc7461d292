"""The program's side of logging in by a browser, in the words of OAuth."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.http import urlencode

from accounts.signing_in import address_of
from hub.call import Call
from hub.services import device_logins

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
REFRESH_GRANT = "refresh_token"


def begin(call: Call) -> HttpResponse:
    """Give a program the code that it shows its person."""
    call.form()
    agent = call.request.headers.get("User-Agent", "")
    begun = device_logins.begin(address=address_of(call.request), agent=agent)
    page = call.origin + reverse("hub:device")
    return _answer(
        {
            "device_code": begun.device_code,
            "user_code": begun.user_code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?{urlencode({'code': begun.user_code})}",
            "interval": device_logins.INTERVAL_SECONDS,
            "expires_in": int(device_logins.TTL.total_seconds()),
        }
    )


def token(call: Call) -> HttpResponse:
    """Give a program its token, once its person has confirmed."""
    sent = dict(call.form())
    if sent.get("grant_type") == REFRESH_GRANT:
        return _answer({"error": "invalid_grant", "error_description": "Tokens are not renewed; log in again."}, 400)
    if sent.get("grant_type") != DEVICE_GRANT:
        return _answer({"error": "unsupported_grant_type"}, 400)
    found = device_logins.redeem(device_code=sent.get("device_code", ""))
    if found.error:
        return _answer({"error": found.error}, 400)
    return _answer(
        {
            "access_token": found.secret,
            "token_type": "bearer",
            "expires_in": device_logins.TOKEN_DAYS * 86_400,
            "scope": " ".join(found.scopes),
        }
    )


def _answer(said: dict[str, object], status: int = 200) -> HttpResponse:
    answer = JsonResponse(said, status=status)
    answer["Cache-Control"] = "no-store"
    return answer
