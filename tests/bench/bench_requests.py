"""How many small questions the Hub endpoint answers, each with the gate asked, beside a view that does nothing.

10,000 repositories and 1,000,000 grants are in the database. The load comes from a process with
bare sockets (`loader.py`: wrk cannot ask by HEAD), which shares the processors.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.db import connection

from tests.integration.hub.running import Server, database_url, running

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(1200)]
VARIANTS = int(os.environ.get("BENCH_VARIANTS", 10_000))
GRANTS = int(os.environ.get("BENCH_GRANTS", 1_000_000))
PEOPLE, CALLERS = 1000, 100
ROUNDS, SECONDS = int(os.environ.get("BENCH_ROUNDS", 3)), int(os.environ.get("BENCH_SECONDS", 8))
LEAST_PER_SECOND, MOST_P99_MS, RATE = 400, 50, 100
TABLES = (
    *("gating_grant", "registry_variant", "registry_commit", "registry_serving", "accounts_user"),
    *("registry_checkpoint", "registry_checkpointfile"),
)
LOADER = Path(__file__).with_name("loader.py")


@dataclass(frozen=True)
class Answered:
    """What a run of the loader saw; `processor` is its own share of one."""

    per_second: float
    failed: dict[str, int]
    p50_ms: float
    p99_ms: float
    processor: float


def test_requests_per_second(tmp_path: Path) -> None:
    asked = questions()
    with running(database_url(), tmp_path, workers=2) as server:
        results: dict[str, list[Answered]] = {name: [] for name in asked}
        for lines in asked.values():  # warm: connections, caches, what a token notes of its use
            load(server, tmp_path, lines, seconds=2, connections=8)
        for _ in range(ROUNDS):
            for name, lines in asked.items():
                results[name].append(load(server, tmp_path, lines, seconds=SECONDS, connections=8))
        paced = {
            name: load(server, tmp_path, lines, seconds=SECONDS, connections=10, rate=RATE)
            for name, lines in asked.items()
        }
        memory = server.memory_bytes()
    report(results, paced, memory)
    for name in ("model_info", "HEAD resolve"):
        assert not [one.failed for one in [*results[name], paced[name]] if one.failed]
        assert statistics.median(one.per_second for one in results[name]) >= LEAST_PER_SECOND
        assert paced[name].p99_ms < MOST_P99_MS


def questions() -> dict[str, list[str]]:
    """Fill the database, and return what to ask, by name."""
    from tests.integration.hub import people

    lab = people.namespace("http://unused", is_direct_control=False)
    names = fill(lab)
    callers = [people.person("http://unused") for _ in range(CALLERS)]
    granted = grant(lab, [caller.user.pk for caller in callers])
    chosen = random.Random(1)
    pairs = [
        (caller.secret, names[variant]) for caller in callers for variant in chosen.sample(granted[caller.user.pk], 50)
    ]
    chosen.shuffle(pairs)
    return {
        "a view that does nothing": ["GET /healthz "],
        "model_info": [f"GET /api/models/{repo} {secret}" for secret, repo in pairs],
        "HEAD resolve": [f"HEAD /{repo}/resolve/main/model.safetensors {secret}" for secret, repo in pairs],
    }


def fill(lab) -> dict[int, str]:
    """Repositories that are all served, gated, with one checkpoint; returns their names by id."""
    from registry.services.commits import Changes, Placed, commit
    from registry.services.content import receive
    from registry.services.variants import create_variant

    author = lab.owner.user
    first = create_variant(organization=lab.organization, name="model-00000", by=author)
    files = {"config.json": b"{}", "README.md": b"---\nlicense: mit\n---\n# A model\n", "tokenizer.json": b"[]"}
    placed = {path: Placed(receive([data], organization=lab.organization).sha256) for path, data in files.items()}
    weights = receive([os.urandom(100_000)], organization=lab.organization).sha256
    placed["model.safetensors"] = Placed(weights, is_large=True)
    made = commit(variant=first, changes=Changes(add=placed), title="First", author=author)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO registry_variant (organization_id, name, summary, is_private, gate_mode, downloads,"
            " created_by_id, created_at, updated_at)"
            " SELECT %s, 'model-' || lpad(n::text, 5, '0'), '', true, '', 0, %s, now(), now()"
            " FROM generate_series(1, %s) n",
            [lab.organization.pk, author.pk, VARIANTS - 1],
        )
        cursor.execute(
            "INSERT INTO registry_checkpoint (digest, size_bytes, file_count, created_at)"
            " SELECT 'sha256:' || md5(id::text) || md5('x' || id), %s, %s, now() FROM registry_variant"
            " WHERE organization_id = %s",
            [made.checkpoint.size_bytes, made.checkpoint.file_count, lab.organization.pk],
        )
        cursor.execute(
            "INSERT INTO registry_checkpointfile (checkpoint_id, path, blob_id, is_large)"
            " SELECT c.id, f.path, f.blob_id, f.is_large FROM registry_checkpoint c, registry_checkpointfile f"
            " WHERE f.checkpoint_id = %s AND c.id <> %s",
            [made.checkpoint_id, made.checkpoint_id],
        )
        cursor.execute(
            "INSERT INTO registry_commit (variant_id, oid, checkpoint_id, title, message, author_id, created_at,"
            " is_released) SELECT v.id, md5(v.id::text) || '00000000', c.id, 'Release', '', %s, now(), true"
            " FROM registry_variant v JOIN registry_checkpoint c"
            " ON c.digest = 'sha256:' || md5(v.id::text) || md5('x' || v.id)"
            " WHERE organization_id = %s",
            [author.pk, lab.organization.pk],
        )
        cursor.execute(
            "INSERT INTO registry_serving (variant_id, checkpoint_id, commit_id, level, release_digest, since)"
            " SELECT variant_id, checkpoint_id, id, 'gated', 'sha256:' || repeat('0', 64), now()"
            " FROM registry_commit WHERE is_released"
        )
        cursor.execute("SELECT id, name FROM registry_variant WHERE organization_id = %s", [lab.organization.pk])
        return {pk: f"{lab.name}/{name}" for pk, name in cursor.fetchall()}


def grant(lab, callers: list[int]) -> dict[int, list[int]]:
    """A million grants to a thousand people; returns the variants of each caller."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_user (username, password, email, full_name, affiliation, is_service, is_superuser,"
            " is_staff, is_active, date_joined) SELECT 'reader' || n, '', '', '', '', false, false, false, true, now()"
            " FROM generate_series(1, %s) n",
            [PEOPLE - len(callers)],
        )
        cursor.execute(
            "INSERT INTO gating_grant (variant_id, user_id, granted_at, expires_at)"
            " SELECT v.id, u.id, now(), now() + interval '1 year' FROM"
            " (SELECT id, row_number() OVER (ORDER BY id) AS n FROM registry_variant WHERE organization_id = %s) v,"
            " (SELECT id, row_number() OVER (ORDER BY id) AS n FROM accounts_user"
            "  WHERE username LIKE 'reader%%' OR id = ANY(%s)) u"
            " WHERE (v.n + u.n) %% %s = 0 LIMIT %s",
            [lab.organization.pk, callers, max(1, VARIANTS * PEOPLE // GRANTS), GRANTS],
        )
        print(f"\n{cursor.rowcount} grants")
        for table in TABLES:
            cursor.execute(f"ANALYZE {table}")
        cursor.execute(
            "SELECT user_id, array_agg(variant_id) FROM gating_grant WHERE user_id = ANY(%s) GROUP BY 1", [callers]
        )
        return dict(cursor.fetchall())


def load(server: Server, folder: Path, lines: list[str], *, seconds: int, connections: int, rate: int = 0) -> Answered:
    """Ask for some seconds, from a process of its own."""
    wanted = folder / "requests.txt"
    wanted.write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = [
        sys.executable,
        "-S",
        "-E",
        str(LOADER),
        server.url,
        str(wanted),
        str(seconds),
        str(connections),
        str(rate),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60)
    found = json.loads(done.stdout)
    return Answered(found["per_second"], found["failed"], found["p50_ms"], found["p99_ms"], found["processor"])


def report(results: dict[str, list[Answered]], paced: dict[str, Answered], memory: int) -> None:
    """One table; the ratio is to the view that does nothing, of the same run."""
    trivial = statistics.median(one.per_second for one in results["a view that does nothing"])
    load = os.getloadavg()[0]
    print(
        f"{VARIANTS} repositories, 2 web workers, loader.py with 8 connections, {ROUNDS} × {SECONDS} s, load {load:.1f}"
    )
    print(
        f"{'':26}{'a second':>9}{'÷ nothing':>10}{'p50 ms':>8}{'p99 ms':>8}"
        f"{f'at {RATE}/s: p50':>14}{'p99 ms':>8}{'loader':>8}"
    )
    for name, runs in results.items():
        rate = statistics.median(one.per_second for one in runs)
        p50, p99 = (statistics.median(getattr(one, field) for one in runs) for field in ("p50_ms", "p99_ms"))
        slow = paced[name]
        print(
            f"{name:26}{rate:9.0f}{rate / trivial:10.2f}{p50:8.1f}{p99:8.1f}"
            f"{slow.p50_ms:14.1f}{slow.p99_ms:8.1f}{runs[-1].processor:8.2f}"
        )
    print(f"memory of the server: {memory / 2**20:.0f} MiB")
