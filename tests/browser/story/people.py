"""The people of the story: each with a browser and with the unmodified client."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi
from playwright.sync_api import Locator, Page, expect

PATIENCE_SECONDS = 240


@dataclass
class Instance:
    """Both running instances, as `var/run/instance.json` describes them."""

    var: Path
    url: str
    hub_url: str
    users: dict[str, dict[str, str]]
    hub_users: dict[str, dict[str, str]]
    launcher: subprocess.Popen[bytes] | None = None

    @classmethod
    def read(cls, var: Path, launcher: subprocess.Popen[bytes] | None = None) -> Instance:
        """Read what the launcher wrote."""
        told = json.loads((var / "run" / "instance.json").read_text(encoding="utf-8"))
        named = {key: {user["username"]: user for user in told[key]} for key in ("users", "hub_users")}
        return cls(var, told["url"], told["hub_url"], launcher=launcher, **named)

    def client(self, username: str) -> HfApi:
        """The client of somebody here."""
        return HfApi(endpoint=self.url, token=self.users[username]["token"])

    def hub_client(self, username: str) -> HfApi:
        """The client of somebody at the hub."""
        return HfApi(endpoint=self.hub_url, token=self.hub_users[username]["token"])

    def model(self, name: str) -> Path:
        """The folder of one of the demonstration's models."""
        return self.var / "imports" / "demonstration" / name

    def get(self, username: str, path: str) -> dict:
        """An answer of the REST API."""
        request = urllib.request.Request(
            f"{self.url}/api/v1/{path}", headers={"Authorization": f"Bearer {self.users[username]['token']}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def hf(self, username: str, *words: str, folder: Path) -> str:
        """The `hf` command, as somebody runs it in a terminal; fails with what it printed."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "HF_HOME": str(folder / "hf"),
            "HF_ENDPOINT": self.url,
            "HF_TOKEN": self.users[username]["token"],
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }
        done = subprocess.run(
            [str(Path(sys.executable).with_name("hf")), *words],
            env=environment,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, f"hf {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout


@dataclass
class Somebody:
    """A person at a browser."""

    instance: Instance
    username: str
    page: Page

    def sign_in(self) -> Somebody:
        """Through the sign-in page."""
        self.go("/sign-in/")
        self.page.get_by_label("User name").fill(self.username)
        self.page.get_by_label("Password").fill(self.instance.users[self.username]["password"])
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.page.get_by_label("Password")).to_have_count(0)
        return self

    def go(self, path: str) -> None:
        """To a page, by its address."""
        self.page.goto(self.instance.url + path if path.startswith("/") else path)

    def click(self, name: str, *, within: Locator | None = None) -> None:
        """A button or link, by exactly its name."""
        place = within or self.page
        place.get_by_role("button", name=name, exact=True).or_(
            place.get_by_role("link", name=name, exact=True)
        ).first.click()

    def sees(self, text: str | re.Pattern[str]) -> None:
        """Some text, somewhere on the page."""
        expect(self.page.get_by_text(text).first).to_be_visible()

    def waits_for(self, path: str, holds: Callable[[Page], bool], what: str) -> None:
        """Reload a page until something holds on it."""
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            self.go(path)
            if holds(self.page):
                return
            self.page.wait_for_timeout(1000)
        raise AssertionError(f"{what} did not come in {PATIENCE_SECONDS} s: {self.page.inner_text('main')[:3000]}")
