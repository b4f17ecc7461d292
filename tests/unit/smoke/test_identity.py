"""The manifest digest that smoke reports carry is the one that the rest of the product computes."""

import threading

from smoke.identity import manifest_digest
from weights import inspect_folder


def test_it_is_the_digest_that_validation_gives(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "ü.json").write_text("{}")
    (tmp_path / "config.json").write_text('{"architectures": []}')
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "big.bin").write_bytes(b"x" * (3 << 20))
    (tmp_path / "link.json").symlink_to("config.json")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref")
    seen: list[tuple[int, int]] = []
    ours = manifest_digest(tmp_path, lambda done, total: seen.append((done, total)))
    assert ours == inspect_folder(tmp_path).manifest_digest
    assert seen[-1][0] == seen[-1][1] == (3 << 20) + 23


def test_a_mapping_has_the_digest_of_its_logical_names(tmp_path):
    folder, blobs = tmp_path / "folder", tmp_path / "blobs"
    folder.mkdir()
    blobs.mkdir()
    for name in ("a.json", "b.json"):
        (folder / name).write_text(name)
        (blobs / name[::-1]).write_text(name)
    assert manifest_digest(folder) == manifest_digest({n: blobs / n[::-1] for n in ("b.json", "a.json")})


def test_hashing_is_canceled(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"x")
    cancel = threading.Event()
    cancel.set()
    assert manifest_digest(tmp_path, cancel=cancel) == ""
