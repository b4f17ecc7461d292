"""Who the caller is."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse

from hub import presenters
from hub.call import Call
from hub.selectors import people


def whoami(call: Call) -> HttpResponse:
    """The caller with their organizations, and what their token may do."""
    user = call.somebody()
    return JsonResponse(presenters.whoami(user, call.token, people.roles_of(user)))


def overview(call: Call, username: str) -> HttpResponse:
    """A person as others see them: the name that they themselves gave, to those who are signed in."""
    call.somebody()
    found = people.named(username)
    return JsonResponse({"user": found.username, "fullname": found.display_name, "type": "user", "orgs": []})
