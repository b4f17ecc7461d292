"""How the bytes of a file leave: by the kernel, by the proxy before us, or by the object store; never through Python.

Whether somebody may have them was asked before, and that they take them is on record.
"""

from __future__ import annotations

from django.conf import settings
from django.http import FileResponse, HttpResponse, HttpResponseBase

from hub.ranges import Part
from registry.blobs import blob_store

# Below this address the proxy finds content; it answers nobody from outside there.
INTERNAL = "/.content/"


def answer(sha256: str, part: Part, *, headers: dict[str, str], wanted: str, is_conditional: bool) -> HttpResponseBase:
    """An answer with a part of some content; FileNotFoundError where it is not here.

    `headers` are those of the file, `wanted` is the Range header where a part was asked for. An object store knows
    another ETag than ours, and so a conditional range is answered here.
    """
    if not part.length:
        return HttpResponse(headers=headers | {"Content-Length": "0"})
    store = blob_store()
    kind, disposition = headers["Content-Type"], headers["Content-Disposition"]
    address = None
    if not is_conditional:
        # What was asked for is what is on record, and so it is all that the address gives.
        address = store.address(sha256, content_type=kind, disposition=disposition, wanted=wanted)
    if address is not None:
        return _elsewhere(address, headers)
    if settings.STORAGE == "disk" and settings.DELIVERY == "accel":
        store.size(sha256)
        # The proxy reads Range and If-Range by itself, and compares with the ETag that it is given here.
        place = f"{INTERNAL}{sha256[:2]}/{sha256[2:4]}/{sha256}"
        kept = {name: value for name, value in headers.items() if name != "Accept-Ranges"}  # it says so itself
        return HttpResponse(headers=kept | {"X-Accel-Redirect": place})
    source = store.open(sha256)
    try:
        source.seek(part.first)
        found = FileResponse(source, status=206 if wanted else 200)
    except BaseException:
        source.close()
        raise
    for name, value in headers.items():
        found[name] = value
    found["Content-Length"] = str(part.length)
    if wanted:
        found["Content-Range"] = part.content_range
    return found


def _elsewhere(address: str, headers: dict[str, str]) -> HttpResponse:
    """The way to an object store. Whoever follows it to another origin leaves their token behind."""
    kept = {name: value for name, value in headers.items() if name not in {"Content-Type", "Content-Disposition"}}
    # What this answer leads to may be had for a moment, by whoever asked; nobody between may keep it.
    return HttpResponse(status=302, headers=kept | {"Location": address, "Cache-Control": "private, no-store"})
