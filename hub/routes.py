"""Every address of the protocol and the view that answers it; the first that fits answers.

`{rev}`, `{branch}` and `{tag}` are one encoded segment each, slashes included; `{path*}` is all that remains.
"""

from __future__ import annotations

from collections.abc import Iterator

from hub.routing import Router, View
from hub.views import device, downloads, identity, listings, pulls, repos, requests, uploads, xet

MODEL = "api/models/{ns}/{name}"
XET = "api/xet/{organization}/{space}"


def _routes() -> Iterator[tuple[str, str, View]]:
    yield "GET", "{ns}/{name}/resolve/{rev}/{path*}", downloads.resolve
    yield "GET", "api/whoami-v2", identity.whoami
    yield "GET", "api/users/{username}/overview", identity.overview
    yield "POST", "oauth/device", device.begin
    yield "POST", "oauth/token", device.token
    yield "POST", "api/validate-yaml", uploads.validate_yaml
    yield "POST", "api/repos/create", repos.create
    yield "DELETE", "api/repos/delete", repos.delete
    yield "POST", "api/repos/move", repos.move
    yield "GET", "api/models", repos.listing
    yield "GET", MODEL, repos.info
    yield "GET", f"{MODEL}/revision/{{rev}}", repos.info
    yield "POST", f"{MODEL}/duplicate", repos.duplicate
    yield "GET", "api/settings/repositories", repos.kept
    yield "GET", "api/organizations/{ns}/settings/repositories", repos.kept
    yield "PUT", f"{MODEL}/settings", repos.settings
    yield "GET", f"{MODEL}/auth-check", repos.may_read
    yield "GET", f"{MODEL}/auth-check/write", repos.may_write
    yield "GET", f"{MODEL}/tree/{{rev}}/{{path*}}", listings.tree
    yield "POST", f"{MODEL}/paths-info/{{rev}}", listings.paths
    yield "GET", f"{MODEL}/refs", listings.refs
    yield "GET", f"{MODEL}/commits/{{rev}}", listings.commits
    yield "GET", f"{MODEL}/lfs-files", listings.large_files
    yield "POST", f"{MODEL}/lfs-files/batch", listings.delete_large_files
    yield "POST", f"{MODEL}/branch/{{branch}}", listings.create_branch
    yield "DELETE", f"{MODEL}/branch/{{branch}}", listings.delete_branch
    yield "POST", f"{MODEL}/tag/{{rev}}", listings.create_tag
    yield "DELETE", f"{MODEL}/tag/{{tag}}", listings.delete_tag
    yield "POST", f"{MODEL}/super-squash/{{branch}}", listings.squash
    yield "POST", f"{MODEL}/preupload/{{rev}}", uploads.preupload
    yield "POST", f"{MODEL}/commit/{{rev}}", uploads.commit
    yield "GET", f"{MODEL}/xet-write-token/{{rev}}", xet.write_token
    yield "GET", f"{XET}/v1/chunks/default/{{digest}}", xet.known_chunk
    yield "POST", f"{XET}/v1/xorbs/default/{{digest}}", xet.xorb
    yield "POST", f"{XET}/v1/shards", xet.shard
    yield "POST", "{ns}/{name}.git/info/lfs/objects/batch", uploads.batch
    yield "PUT", "api/hub/uploads/{ticket}", uploads.put
    yield "POST", "api/hub/uploads/{ticket}/verify", uploads.verify
    yield "PUT", "api/hub/uploads/parts/{ticket}", uploads.put_part
    yield "POST", "api/hub/uploads/parts/{ticket}", uploads.complete
    yield "GET", f"{MODEL}/user-access-request/{{status}}", requests.listing
    yield "POST", f"{MODEL}/user-access-request/handle", requests.handle
    yield "POST", f"{MODEL}/user-access-request/grant", requests.grant
    yield "POST", f"{MODEL}/user-access-request/cancel", requests.cancel
    yield "GET", "{ns}/{name}/user-access-report", requests.report
    yield "POST", "{ns}/{name}/ask-access", requests.ask_access
    yield from _pull_requests()
    yield from _never_here()


def _pull_requests() -> Iterator[tuple[str, str, View]]:
    one = f"{MODEL}/discussions/{{number}}"
    yield "GET", f"{MODEL}/discussions", pulls.listing
    yield "POST", f"{MODEL}/discussions", pulls.create
    yield "GET", one, pulls.details
    yield "POST", f"{one}/comment", pulls.comment
    yield "POST", f"{one}/comment/{{comment}}/edit", pulls.edit
    yield "POST", f"{one}/comment/{{comment}}/hide", pulls.hide
    yield "POST", f"{one}/title", pulls.title
    yield "POST", f"{one}/status", pulls.status
    yield "POST", f"{one}/merge", pulls.merge
    yield "POST", "uploads", pulls.attach


def _never_here() -> Iterator[tuple[str, str, View]]:
    """Names of one part, which the client sends too."""
    yield "GET", "{name}/resolve/{rev}/{path*}", repos.unknown
    yield "GET", "api/models/{name}", repos.unknown
    for method in ("GET", "POST"):
        for verb in ("revision", "tree", "commits", "paths-info", "preupload", "commit"):
            yield method, f"api/models/{{name}}/{verb}/{{path*}}", repos.unknown


ROUTER = Router(_routes())
