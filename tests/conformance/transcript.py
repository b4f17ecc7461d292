"""Writes docs/transcripts/hub.txt: commands of a pipeline, a reviewer and a researcher, run, with what they say.

Starts an instance of its own. What differs from run to run (port, hashes of commits, moments) is written as a word.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / "docs" / "transcripts" / "hub.txt"
# What the client prints of its own affairs, or only where the machine is slow.
PASSING = re.compile(r"hf-cli` skill|^Uploading\.\.\. |^Still waiting to acquire lock")
REPO, GATED = "lab/nimbus", "lab/gated"
FORM = """\
digest=$(sha256sum LICENSE | cut -d' ' -f1)
curl -sS -o answer.json -w '%{http_code}\\n' -H "Authorization: Bearer $HF_TOKEN" \\
    -F 'What will you use it for?=Research on evaluation' -F 'I am of age=true' \\
    -F license_text_sha256=$digest $HF_ENDPOINT/lab/gated/ask-access"""
LIST = """\
from huggingface_hub import HfApi
api = HfApi()
for request in api.list_pending_access_requests("lab/gated"):
    print(request.username, request.status, request.fields)
api.accept_access_request("lab/gated", "person-01")
print([request.username for request in api.list_accepted_access_requests("lab/gated")])"""


def main() -> None:
    """Run everything and write what was said."""
    from tests.conformance.conftest import instance
    from tests.services import Services

    services = Services()
    os.environ |= services.environment()
    services.run()
    os.environ |= services.environment()
    try:
        with tempfile.TemporaryDirectory() as folder, instance(services, Path(folder)) as world:
            told = "\n".join(_told(world, Path(folder)))
    finally:
        services.stop()
    PLACE.parent.mkdir(exist_ok=True)
    PLACE.write_text(told + "\n", encoding="utf-8")


def _told(world, folder: Path):
    pipeline, researcher, reviewer = (world.person(name) for name in ("lab-writer", "person-01", "lab-reviewer"))
    run = _Shell(world.url, folder)
    (folder / "checkpoint").mkdir()
    (folder / "checkpoint" / "config.json").write_text(json.dumps({"model_type": "llama"}))
    (folder / "checkpoint" / "model.bin").write_bytes(bytes(range(256)) * 8192)
    yield "# A pipeline uploads a checkpoint; large files go by Xet."
    yield run(pipeline, "hf auth whoami")
    yield run(pipeline, f"hf upload {REPO} checkpoint . --commit-message 'Step 1000'")
    yield run(pipeline, f"hf models ls {REPO}")
    yield "# In a governed namespace a release decides who sees it."
    yield run(pipeline, f"hf repos settings {REPO} --public")
    yield "# A researcher meets a released model's gate, reads its terms and asks, with the digest of the text read."
    yield run(researcher, f"hf download {REPO} config.json")
    yield run(researcher, f"hf download {GATED} config.json --local-dir .")
    yield run(researcher, f"hf download {GATED} LICENSE --local-dir .")
    yield run(researcher, FORM)
    yield "# The command only says that approval is needed; why, the server told the client, whose debugging shows it."
    yield run(researcher, f"HF_DEBUG=1 hf download {GATED} config.json --local-dir . 2>&1 | grep awaiting | tail -1")
    yield "# A reviewer decides, with the client that scripts use."
    (folder / "decide.py").write_text(LIST + "\n")
    yield run(reviewer, "cat decide.py && python decide.py")
    yield "# And the researcher downloads, and compares every file with what the repository says of it."
    yield run(researcher, f"hf download {GATED} --local-dir model")
    yield run(researcher, f"hf cache verify {GATED} --local-dir model")


class _Shell:
    """Runs command lines as people, and shows them as a terminal would."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder

    def __call__(self, who, line: str) -> str:
        environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "HF_HOME": str(self.folder / f"home-{who.name}"),
            "HF_ENDPOINT": self.url,
            "HF_TOKEN": who.token,
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_DISABLE_UPDATE_CHECK": "1",
            "NO_COLOR": "1",
        }
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        typed = line.replace("\n", "\n> ")
        return self._plain(f"{who.name}$ {typed}\n{done.stdout}")

    def _plain(self, text: str) -> str:
        text = (
            re.sub(r"\x1b\[[0-9;]*m", "", text).replace(str(self.folder), "~").replace(self.url, "http://hub.example")
        )
        text = re.sub(r"http://127\.0\.0\.1:\d+", "http://hub.example", text)
        text = re.sub(r"(commit/|[^0-9a-f])[0-9a-f]{40}(?![0-9a-f])", r"\1COMMIT", text)
        text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "REQUEST-ID", text)
        return "\n".join(line.rstrip() for line in text.splitlines() if not PASSING.search(line)) + "\n"


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
