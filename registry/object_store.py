"""The blob store in a bucket that speaks S3: objects under their SHA-256, sent in parts, given out by signed addresses.

An object gets its name only when everything was hashed here and every part was checked there. Whatever reads a file
on this machine reads a copy, whose SHA-256 was checked when it was fetched. Drafts, xorbs and parts of uploads stay on
this machine until they are content.
"""

from __future__ import annotations

import hashlib
import logging
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, BinaryIO

import boto3
from botocore.client import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

from registry import policies
from registry.drafts import BLOCK_BYTES, Content, draft
from registry.local_copies import LocalCopies
from registry.stores import BlobStore, Stored
from rules import Refused

log = logging.getLogger(__name__)
MISSING = frozenset({"404", "NoSuchKey", "NotFound"})
# The most parts that an object may have, and the least that one may hold, but for the last.
MOST_PARTS, LEAST_PART_BYTES = 10_000, 5 << 20
HASH_DIGITS = 64
# With parts of the usual size this is what one upload takes of memory.
PARTS_AT_ONCE = 4
TYPE = {"ContentType": "application/octet-stream"}


@dataclass(frozen=True)
class Bucket:
    """Where objects are, and how to get there."""

    name: str
    prefix: str
    endpoint_url: str
    public_url: str
    region: str
    key_id: str
    secret: str
    part_bytes: int
    address_seconds: int

    def client(self, endpoint_url: str) -> Any:
        """A client of the service, which threads may share."""
        return boto3.client(
            "s3",
            endpoint_url=endpoint_url or None,
            region_name=self.region,
            aws_access_key_id=self.key_id or None,
            aws_secret_access_key=self.secret or None,
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": "path" if endpoint_url else "auto"},
                retries={"mode": "standard", "max_attempts": 5},
                connect_timeout=10,
                read_timeout=120,
                max_pool_connections=32,
            ),
        )


class S3BlobStore(BlobStore):
    """Content in a bucket; `root` holds what is on its way there, and copies of what was read here."""

    def __init__(self, root: Path, bucket: Bucket, *, copies_bytes: int) -> None:
        super().__init__(root)
        self.bucket = bucket
        self.copies = LocalCopies(root / "copies", copies_bytes)

    @cached_property
    def client(self) -> Any:
        return self.bucket.client(self.bucket.endpoint_url)

    @cached_property
    def _signer(self) -> Any:
        """Signs for the host that clients reach, which is part of what is signed; it calls nobody."""
        return self.bucket.client(self.bucket.public_url or self.bucket.endpoint_url)

    def key(self, sha256: str) -> str:
        """The name of the object that holds content."""
        return f"{self.bucket.prefix}blobs/{sha256[:2]}/{sha256[2:4]}/{sha256}"

    @contextmanager
    def ready(self, draft: Path, content: Content) -> Iterator[Callable[[], None]]:
        large = content.size_bytes > self.bucket.part_bytes
        upload = _PartedUpload(self, draft, content) if large and not self._has(content) else None
        if upload is not None:
            upload.send()
        try:
            yield partial(self._keep, draft, content, upload)
        finally:
            if upload is not None:
                upload.drop()

    def _keep(self, draft: Path, content: Content, upload: _PartedUpload | None) -> None:
        if not self._has(content):
            if upload is not None:
                upload.complete()
            elif content.size_bytes > self.bucket.part_bytes:
                with self.ready(draft, content) as keep:  # it was here a moment ago, and was collected
                    keep()
            else:
                body = draft.read_bytes()
                self.client.put_object(**self.at(content.sha256), Body=body, ChecksumSHA256=_checksum(body), **TYPE)
        self.copies.adopt(draft, content.sha256, content.size_bytes)

    def exists(self, sha256: str) -> bool:
        return self._head(sha256) is not None

    def size(self, sha256: str) -> int:
        found = self._head(sha256)
        if found is None:
            raise FileNotFoundError(self.key(sha256))
        return int(found["ContentLength"])

    def open(self, sha256: str) -> BinaryIO:
        with self.local(sha256) as place:
            return place.open("rb")

    def stream(self, sha256: str) -> BinaryIO:
        try:
            found: BinaryIO = self.client.get_object(**self.at(sha256))["Body"]
        except ClientError as error:
            raise _unless_missing(error, self.key(sha256)) from error
        return found

    @contextmanager
    def local(self, sha256: str) -> Iterator[Path]:
        with self.copies.pinned(sha256, lambda: self._fetch(sha256)) as place:
            yield place

    def listing(self, prefix: str = "") -> Iterator[Stored]:
        begin = f"{self.bucket.prefix}blobs/" + (f"{prefix[:2]}/" if len(prefix) > 1 else prefix)
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket.name, Prefix=begin)
        for page in pages:
            for found in page.get("Contents", ()):
                name = found["Key"].rpartition("/")[2]
                if name.startswith(prefix) and len(name) == HASH_DIGITS:
                    yield Stored(name, found["Size"], found["LastModified"].timestamp())

    def delete(self, sha256: str) -> None:
        self.client.delete_object(**self.at(sha256))
        self.copies.forget(sha256)

    def address(self, sha256: str, *, content_type: str, disposition: str, wanted: str = "") -> str | None:
        asked = self.at(sha256) | {
            "ResponseContentType": content_type,
            "ResponseContentDisposition": disposition,
            "ResponseCacheControl": "private, no-store",
        }
        if wanted:
            asked["Range"] = wanted
        signed: str = self._signer.generate_presigned_url(
            "get_object", Params=asked, ExpiresIn=self.bucket.address_seconds
        )
        return signed

    def _head(self, sha256: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self.client.head_object(**self.at(sha256))
        except ClientError as error:
            if not isinstance(_unless_missing(error, ""), FileNotFoundError):
                raise
            return None
        return found

    def at(self, sha256: str) -> dict[str, Any]:
        """The object that holds content, in the words of the service."""
        return {"Bucket": self.bucket.name, "Key": self.key(sha256)}

    def _has(self, content: Content) -> bool:
        found = self._head(content.sha256)
        return found is not None and found["ContentLength"] == content.size_bytes

    def _fetch(self, sha256: str) -> None:
        """Make a copy of an object, checked on its way."""
        digest = hashlib.sha256()
        with self.stream(sha256) as source, draft(self.incoming) as file:
            self.copies.make_room(self.size(sha256))
            while block := source.read(BLOCK_BYTES):
                digest.update(block)
                file.write(block)
            file.flush()
            if digest.hexdigest() != sha256:
                log.error("The object %s has the SHA-256 %s.", self.key(sha256), digest.hexdigest())
                raise Refused.because(policies.BYTES_DIFFER, path=self.key(sha256), sha256=sha256)
            self.copies.link(Path(file.name), sha256)


class _PartedUpload:
    """One object that is sent in parts, some at once; the service compares the SHA-256 of each with ours."""

    def __init__(self, store: S3BlobStore, draft: Path, content: Content) -> None:
        self._store, self._draft, self._content = store, draft, content
        self._at = store.at(content.sha256)
        self._parts: list[dict[str, Any]] = []
        self._is_open = False

    def send(self) -> None:
        """Send all parts; nothing is visible yet."""
        begun = self._store.client.create_multipart_upload(**self._at, ChecksumAlgorithm="SHA256", **TYPE)
        self._at["UploadId"], self._is_open = begun["UploadId"], True
        size = self._content.size_bytes
        part_bytes = max(self._store.bucket.part_bytes, LEAST_PART_BYTES, -(-size // MOST_PARTS))
        try:
            with ThreadPoolExecutor(PARTS_AT_ONCE) as senders:
                spans = ((at, min(part_bytes, size - at)) for at in range(0, size, part_bytes))
                self._parts = list(senders.map(self._send_part, range(1, MOST_PARTS + 1), spans))
        except BaseException:
            self.drop()
            raise

    def complete(self) -> None:
        """Make the object of the parts."""
        self._store.client.complete_multipart_upload(**self._at, MultipartUpload={"Parts": self._parts})
        self._is_open = False
        if self._store.size(self._content.sha256) != self._content.size_bytes:
            raise OSError(f"the object store holds {self._content.sha256} in another length than was sent")

    def drop(self) -> None:
        """Let go of the parts, unless they are the object by now."""
        if self._is_open:
            self._is_open = False
            with suppress(BotoCoreError, ClientError):
                self._store.client.abort_multipart_upload(**self._at)

    def _send_part(self, number: int, span: tuple[int, int]) -> dict[str, Any]:
        with self._draft.open("rb", buffering=0) as source:
            source.seek(span[0])
            body = source.read(span[1])
        checksum = _checksum(body)
        sent = self._store.client.upload_part(**self._at, PartNumber=number, Body=body, ChecksumSHA256=checksum)
        return {"PartNumber": number, "ETag": sent["ETag"], "ChecksumSHA256": checksum}


def bucket_of_settings() -> Bucket:
    """The bucket of this instance."""
    return Bucket(
        name=settings.S3_BUCKET,
        prefix=settings.S3_PREFIX,
        endpoint_url=settings.S3_ENDPOINT_URL,
        public_url=settings.S3_PUBLIC_URL,
        region=settings.S3_REGION,
        key_id=settings.S3_ACCESS_KEY_ID,
        secret=settings.S3_SECRET_ACCESS_KEY,
        part_bytes=settings.S3_PART_BYTES,
        address_seconds=settings.S3_ADDRESS_SECONDS,
    )


def _checksum(body: bytes) -> str:
    return b64encode(hashlib.sha256(body).digest()).decode()


def _unless_missing(error: ClientError, key: str) -> Exception:
    return FileNotFoundError(key) if str(error.response["Error"]["Code"]) in MISSING else error
