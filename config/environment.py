"""Typed reading of environment variables; owns no setting itself.

Secrets may come from a file named by `<NAME>_FILE`, as container platforms mount them.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit


class BadSetting(Exception):
    """An environment variable holds a value that no setting can be made of; the message names it."""


def text(name: str, default: str | None = None) -> str:
    """Return the variable, the content of the file named by `<name>_FILE`, or the default."""
    if value := os.environ.get(name):
        return value
    if path := os.environ.get(f"{name}_FILE"):
        return Path(path).read_text(encoding="utf-8").strip()
    if default is None:
        raise BadSetting(f"{name} is not set, and has no safe default.")
    return default


def boolean(name: str, default: bool) -> bool:
    """Return a claim: 1, true, yes, on or 0, false, no, off."""
    value = text(name, "1" if default else "0").lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise BadSetting(f"{name}={value!r} is neither true nor false.")


def integer(name: str, default: int, *, at_least: int = 0) -> int:
    """Return a whole number that is not below `at_least`."""
    value = text(name, str(default))
    try:
        number = int(value)
    except ValueError:
        raise BadSetting(f"{name}={value!r} is not a whole number.") from None
    if number < at_least:
        raise BadSetting(f"{name}={number} is below {at_least}.")
    return number


def choice(name: str, default: str, *others: str) -> str:
    """Return one of the words that there are; the first is the default."""
    value = text(name, default)
    if value not in {default, *others}:
        raise BadSetting(f"{name}={value!r} is none of {', '.join((default, *others))}.")
    return value


def words(name: str, default: str = "") -> list[str]:
    """Return a comma-separated list without empty members."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def database(name: str, default: str | None = None) -> dict[str, object]:
    """Return a Django database entry from a `postgresql://user:password@host:port/name` address.

    A host written as a percent-encoded path is the folder of a Unix socket, as libpq reads it.
    """
    url = urlsplit(text(name, default))
    if url.scheme not in {"postgres", "postgresql"}:
        raise BadSetting(f"{name} begins with {url.scheme!r}; only postgresql:// is supported.")
    return {
        "ENGINE": "config.postgresql",
        "NAME": unquote(url.path.lstrip("/")),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": unquote(url.netloc.rpartition("@")[2].partition(":")[0])
        if "%2F" in url.netloc.upper()
        else (url.hostname or ""),
        "PORT": str(url.port or ""),
    }


def credentials(prefix: str) -> dict[str, str]:
    """Return the secrets of all variables `<prefix><NAME>[_FILE]`, by lower-case name with dashes."""
    found = {}
    for variable in os.environ:
        if variable.startswith(prefix):
            name = variable.removeprefix(prefix).removesuffix("_FILE")
            found[name.lower().replace("_", "-")] = text(prefix + name)
    return found
