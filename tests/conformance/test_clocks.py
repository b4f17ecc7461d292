"""Times: as the client reads them, and when clocks differ."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

# Shifts the clock of a program, threads and other languages' code in it included.
PRELOADED = sorted(map(str, Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")))
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def test_every_moment_ends_in_z(owner, repo) -> None:
    owner.api.upload_file(repo_id=repo, path_or_fileobj=b"x", path_in_repo="x.txt")
    with owner.http as http:
        info = http.get(f"/api/models/{repo}").json()
        (entry, *_) = http.get(f"/api/models/{repo}/tree/main", params={"expand": "true"}).json()
        commit = http.get(f"/api/models/{repo}/commits/main").json()[0]
        who = http.get("/api/whoami-v2").json()
    moments = [info["createdAt"], info["lastModified"], entry["lastCommit"]["date"], commit["date"]]
    for moment in [*moments, who["auth"]["accessToken"]["createdAt"]]:
        assert MOMENT.fullmatch(moment), moment


def test_the_servers_date_is_sent(owner, repo) -> None:
    with owner.http as http:
        told = parsedate_to_datetime(http.get(f"/api/models/{repo}").headers["date"])
    assert abs((datetime.now(UTC) - told).total_seconds()) < 60


def test_conditions_on_dates_do_not_hide_a_file(owner, repo) -> None:
    """A client whose clock is off must never be told that nothing changed."""
    with owner.http as http:
        for name in ("If-Modified-Since", "If-Unmodified-Since"):
            for date in ("Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 2099 23:59:59 GMT", "yesterday"):
                got = http.get(f"/{repo}/resolve/main/.gitattributes", headers={name: date})
                assert got.status_code == 200 and got.content


def test_a_range_under_a_date_is_answered_whole(owner, repo) -> None:
    with owner.http as http:
        headers = {"range": "bytes=0-3", "if-range": "Thu, 01 Jan 1970 00:00:00 GMT"}
        assert http.get(f"/{repo}/resolve/main/.gitattributes", headers=headers).status_code == 200


def test_upload_addresses_lead_back_to_where_the_client_asked(owner, repo) -> None:
    sent = {"operation": "upload", "transfers": ["basic"], "objects": [{"oid": "ab" * 32, "size": 3}]}
    with owner.http as http:
        (wanted,) = http.post(f"/{repo}.git/info/lfs/objects/batch", json=sent).json()["objects"]
    assert wanted["actions"]["upload"]["href"].startswith(owner.url)


def test_a_xet_token_tells_its_end_by_the_servers_clock(owner, repo) -> None:
    with owner.http as http:
        answer = http.get(f"/api/models/{repo}/xet-write-token/main")
    now = parsedate_to_datetime(answer.headers["date"]).timestamp()
    assert 60 < answer.json()["exp"] - now < 24 * 3600
    assert answer.headers["x-xet-token-expiration"] == str(answer.json()["exp"])


@pytest.mark.whole
@pytest.mark.skipif(not PRELOADED, reason="libfaketime is not installed (Debian: apt-get install libfaketime)")
@pytest.mark.parametrize("skew", ["+3600", "-3600", "+172800", "-172800"])
def test_the_client_works_whose_clock_is_off(owner, repo, environment, mode, tmp_path, skew) -> None:
    content = os.urandom(3_000_000)
    (tmp_path / "w.bin").write_bytes(content)
    off = environment(owner) | {"LD_PRELOAD": PRELOADED[0], "FAKETIME": skew}
    command = str(Path(sys.executable).with_name("hf"))
    for words in (["upload", repo, "w.bin"], ["download", repo, "w.bin", "--local-dir", "out"]):
        done = subprocess.run([command, *words], env=off, cwd=tmp_path, capture_output=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr.decode()
    assert (tmp_path / "out" / "w.bin").read_bytes() == content
