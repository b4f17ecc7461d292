"""The settings of the two instances: which variables each process is given, and the secrets behind them.

Owns `var/secrets/`. Decides nothing about what the variables mean; `config/settings.py` does.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

ROOT = Path(__file__).resolve().parents[2]
GOVERNING, HUB = "governing", "hub"
HUB_NAME = "Public Hub (stand-in)"

# Every variable that settings read; a test holds this list to `config/settings.py`.
VARIABLES = frozenset(
    {
        "SECRET_KEY",
        "DATABASE_URL",
        "REDIS_URL",
        "STORAGE_ROOT",
        "STORAGE",
        "STORAGE_COPIES_BYTES",
        "S3_BUCKET",
        "S3_PREFIX",
        "S3_ENDPOINT_URL",
        "S3_PUBLIC_URL",
        "S3_REGION",
        "S3_ACCESS_KEY_ID",
        "S3_SECRET_ACCESS_KEY",
        "S3_PART_BYTES",
        "S3_ADDRESS_SECONDS",
        "BLOB_GRACE_DAYS",
        "DELIVERY",
        "IMPORT_ROOTS",
        "LFS_PART_BYTES",
        "REQUESTS_PER_TOKEN",
        "REQUESTS_PER_ADDRESS",
        "STATIC_ROOT",
        "PUBLIC_URL",
        "ALLOWED_HOSTS",
        "CSRF_TRUSTED_ORIGINS",
        "BEHIND_PROXY",
        "INSTANCE_NAME",
        "INSTANCE_ROLE",
        "WORKER_REQUIRED",
        "SMOKE",
        "SMOKE_CONTAINMENT",
        "SMOKE_WALL_SECONDS",
        "DEVICE_GONE_SECONDS",
        "SESSION_COOKIE_NAME",
        "CSRF_COOKIE_NAME",
        "JOB_LEASE_SECONDS",
        "JOB_SWEEP_SECONDS",
        "PUBLISH_RETRY_SECONDS",
        "LOG_LEVEL",
    }
)
# What the second instance takes over from the first; anything else would make it the first.
SHARED = frozenset(
    {"LOG_LEVEL", "SMOKE", "JOB_LEASE_SECONDS", "JOB_SWEEP_SECONDS", "DEVICE_GONE_SECONDS", "STATIC_ROOT"}
)
TARGET_TOKEN = "TARGET_TOKEN_"


@dataclass(frozen=True)
class Addresses:
    """Where one instance finds its servers and is found itself."""

    database_url: str
    redis_url: str
    public_url: str


@dataclass(frozen=True)
class Folders:
    """The places below `var/` that belong to the launcher."""

    var: Path

    @classmethod
    def of_environment(cls) -> Folders:
        """Return those of this checkout, or of the folder that IMPRIMATUR_VAR names."""
        return cls(Path(os.environ.get("IMPRIMATUR_VAR") or ROOT / "var").resolve())

    @property
    def run(self) -> Path:
        """Return what is true only while an instance runs."""
        return self.var / "run"

    @property
    def logs(self) -> Path:
        """Return one file for each child."""
        return self.var / "log"

    @property
    def secrets(self) -> Path:
        """Return keys, passwords and tokens, each readable by its owner alone."""
        return self.var / "secrets"


def is_setting(variable: str) -> bool:
    """Whether a variable belongs to our settings rather than to the machine."""
    return variable.removesuffix("_FILE") in VARIABLES or variable.startswith(TARGET_TOKEN)


def without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the machine's own variables."""
    return {name: value for name, value in environment.items() if not is_setting(name)}


def governing_settings(given: Mapping[str, str], addresses: Addresses, folders: Folders) -> dict[str, str]:
    """Return the first instance's settings: what the caller's environment gives, and ours for the rest."""
    chosen = {name: value for name, value in given.items() if is_setting(name)}
    ours = {
        "SECRET_KEY_FILE": str(secret_file(folders, "governing.secret-key")),
        "STORAGE_ROOT": str(folders.var / "storage"),
        "IMPORT_ROOTS": str(folders.var / "imports"),
        "STATIC_ROOT": str(folders.var / "static"),
        "PUBLIC_URL": addresses.public_url,
        f"{TARGET_TOKEN}PUBLIC_HUB_FILE": str(target_token_file(folders)),
    }
    absent = {name: value for name, value in ours.items() if not _is_given(name, chosen)}
    return chosen | absent | {"DATABASE_URL": addresses.database_url, "REDIS_URL": addresses.redis_url}


def hub_settings(given: Mapping[str, str], addresses: Addresses, folders: Folders) -> dict[str, str]:
    """Return the second instance's settings; it takes nothing from the caller that would make it the first."""
    shared = {name: value for name, value in given.items() if name.removesuffix("_FILE") in SHARED}
    return {"STATIC_ROOT": str(folders.var / "static")} | shared | {
        "SECRET_KEY_FILE": str(secret_file(folders, "hub.secret-key")),
        "STORAGE_ROOT": str(folders.var / "storage-hub"),
        "IMPORT_ROOTS": str(folders.var / "imports-hub"),
        "PUBLIC_URL": addresses.public_url,
        "DATABASE_URL": addresses.database_url,
        "REDIS_URL": addresses.redis_url,
        "INSTANCE_NAME": HUB_NAME,
        "INSTANCE_ROLE": "public-hub",
        "WORKER_REQUIRED": "0",
        "SESSION_COOKIE_NAME": "imprimatur_hub_session",
        "CSRF_COOKIE_NAME": "imprimatur_hub_csrf",
    }  # fmt: skip


def secret_file(folders: Folders, name: str) -> Path:
    """Return a file that holds a random secret, made on first use."""
    path = folders.secrets / name
    if not path.exists():
        write_private(path, secrets.token_urlsafe(48))
    return path


def target_token_file(folders: Folders) -> Path:
    """Return where the second instance's publisher token lies for the first; empty until its users are made."""
    path = folders.secrets / "target-public-hub.token"
    if not path.exists():
        write_private(path, "")
    return path


def write_private(path: Path, content: str) -> None:
    """Replace a file by one that only its owner may read; a reader sees the old or the new, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(content, encoding="utf-8")
    draft.replace(path)


def next_redis_database(url: str) -> str:
    """Return the same server's next numbered database, so that two instances never ring each other's bell."""
    parts = urlsplit(url)
    number = int(parts.path.strip("/") or "0")
    return urlunsplit(parts._replace(path=f"/{number + 1}"))


def _is_given(name: str, chosen: Mapping[str, str]) -> bool:
    plain = name.removesuffix("_FILE")
    return plain in chosen or f"{plain}_FILE" in chosen
