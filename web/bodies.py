"""What a request's body may be, for pages and API: bounded before anything is made of it.

No page and no endpoint of the API takes files; content comes by the Hub's protocol, which reads its bodies itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any, BinaryIO, NoReturn

from django.core.exceptions import SuspiciousMultipartForm
from django.core.files.uploadhandler import FileUploadHandler
from rest_framework import parsers
from rest_framework.exceptions import ParseError

JSON_LIMIT_BYTES = 8 << 20


class NoFiles(FileUploadHandler):
    """Refuses a form with a file in it, which would otherwise fill the disk before anybody is asked who sent it."""

    def new_file(self, *_: object, **__: object) -> NoReturn:
        raise SuspiciousMultipartForm("No form here takes files.")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> NoReturn:
        raise SuspiciousMultipartForm("No form here takes files.")

    def file_complete(self, file_size: int) -> None:
        """Nothing ever is."""


class JSONParser(parsers.JSONParser):
    """JSON of a bounded length and depth."""

    def parse(
        self, stream: BinaryIO, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        body = stream.read(JSON_LIMIT_BYTES + 1)
        if len(body) > JSON_LIMIT_BYTES:
            raise ParseError(f"The request has more than {JSON_LIMIT_BYTES} bytes.")
        try:
            return super().parse(BytesIO(body), media_type, parser_context)
        except RecursionError:
            raise ParseError("The JSON is nested too deeply.") from None
