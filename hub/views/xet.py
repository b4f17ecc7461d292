"""The way in by Xet: leave to send, chunks known already, xorbs, and shards that say which files they make."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse

from accounts.authentication import bearer_secret
from hub import errors
from hub.call import Call, malformed
from hub.errors import HubRefused
from hub.services.xet import collecting, leave, shards, xorbs
from hub.services.xet.leave import Opened
from hub.views import repository
from hub.xet.hashes import of_text
from rules import Refused


def write_token(call: Call, ns: str, name: str, rev: str) -> HttpResponse:
    """Leave to send content for a repository, whatever the revision is to be."""
    found = repository.written(call, ns, name)
    given = leave.issue(variant=found.variant, token=call.token)
    collecting.collect_in_passing(found.variant.organization)
    address = f"{call.origin}/api/xet/{found.variant.organization_id}/{given.space}"
    answer = JsonResponse({"casUrl": address, "exp": given.ends_at, "accessToken": given.text})
    answer["X-Xet-Cas-Url"] = address
    answer["X-Xet-Token-Expiration"] = str(given.ends_at)
    answer["X-Xet-Access-Token"] = given.text
    answer["Cache-Control"] = "no-store"
    return answer


def known_chunk(call: Call, organization: str, space: str, digest: str) -> HttpResponse:
    """Say of every chunk that it is not known: whether somebody else has it is nobody's business."""
    _opened(call, organization)
    return errors.plain(404, "This chunk is not known.")


def xorb(call: Call, organization: str, space: str, digest: str) -> HttpResponse:
    """Take in a xorb."""
    opened = _opened(call, organization)
    try:
        wanted = of_text(digest)
    except ValueError as error:
        raise malformed(f"The xorb's name is {error}.") from None
    is_new = xorbs.receive(
        opened=opened,
        digest=wanted,
        announced=call.announced_bytes,
        blocks=call.blocks(),
        # Where several processes serve, a file's xorbs come to all of them, and none could make it ahead.
        may_hold=not call.request.META.get("wsgi.multiprocess", True),
    )
    return JsonResponse({"was_inserted": is_new})


def shard(call: Call, organization: str, space: str) -> HttpResponse:
    """Rebuild the files of a shard; the answer comes when all are content."""
    is_new = shards.receive(opened=_opened(call, organization), blocks=call.blocks())
    return JsonResponse({"result": int(is_new)})


def _opened(call: Call, organization: str) -> Opened:
    """What the call's own kind of token opens."""
    try:
        return leave.redeem(bearer_secret(call.request) or "", organization)
    except Refused as refused:
        raise HubRefused(refused.verdict) from None
