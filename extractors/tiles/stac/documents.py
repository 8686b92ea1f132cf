"""STAC documents: where they may lie, and their JSON, of bounded size.

A catalogue is somebody else's text, and its hrefs are followed only to http, https, s3, gs and az,
and to files below the folder of the root document (symbolic links resolved). Everything else is
refused by name. A catalogue of this machine that is trusted may name files anywhere on it; one of a
server never may. Files are called by their absolute paths, which no prefix of GDAL's
(``NETCDF:``, ``/vsizip/``) can begin.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import unquote, urljoin, urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

__all__ = ["MAX_BYTES", "Documents", "Refusal", "gdal_path", "is_remote"]

MAX_BYTES = 64 << 20  # of a document; JSON takes about ten times as much once it is parsed
TIMEOUT_S = 30
DEADLINE_S = 300
TRIES = 3
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_GDAL = {"http": "/vsicurl/", "https": "/vsicurl/", "s3": "/vsis3/", "gs": "/vsigs/",
         "az": "/vsiaz/"}  # fmt: skip


class Refusal(Exception):
    """A document, href or item that cannot be used: reason in snake_case, and a sentence."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


@dataclass(frozen=True, slots=True)
class Documents:
    """The documents of one root: a file, or an http(s) URL. trusted: a file's may lead out of its
    folder."""

    root: str
    trusted: bool = False

    @property
    def start(self) -> str:
        return self.root if is_remote(self.root) else str(Path(self.root).resolve())

    def resolve(self, href: Any, document: str) -> str:
        """An href in a document -> a URL, or the absolute path of a file. Raises Refusal."""
        if not isinstance(href, str) or not href.strip() or _CONTROL.search(href):
            raise Refusal("unsafe_href", f"The href {href!r:.200} is no URL and no path.")
        scheme = _SCHEME.match(href)
        name = scheme[1].lower() if scheme else ""
        if name in _GDAL:
            return href
        if is_remote(document):
            # what is not absolute belongs to the server; a file: in it would be one of ours
            joined = href if name else urljoin(document, href)
            if not is_remote(joined):
                raise Refusal("unsafe_href", _refused(href))
            return joined
        if name == "file":
            parts = urlsplit(href)
            if parts.netloc not in ("", "localhost"):
                raise Refusal("unsafe_href", _refused(href))
            return self._below_root(Path(unquote(parts.path)), href)
        if name or href.startswith("//"):
            raise Refusal("unsafe_href", _refused(href))
        return self._below_root(Path(document).parent / href, href)

    def load(self, location: str) -> dict[str, Any]:
        """The JSON object at a location that ``resolve`` gave. Raises Refusal."""
        return parsed(self.read(location), location)

    def read(self, location: str) -> bytes:
        """A document's bytes. Raises Refusal."""
        try:
            data = _download(location) if is_remote(location) else _file(location)
        except (OSError, HTTPException, ValueError) as error:
            said = str(getattr(error, "reason", "") or error).strip().rstrip(".")
            reason = "unreadable_document"
            raise Refusal(reason, f"{location}: cannot be read ({said}).") from error
        if len(data) > MAX_BYTES:
            raise Refusal(
                "too_large",
                f"{location}: has more than {MAX_BYTES >> 20} MB; give its items one a line "
                "(items.ndjson), or as stac-geoparquet.",
            )
        return data

    def lines(self, location: str) -> Iterator[bytes]:
        """The lines of a document, a file's one at a time. Raises Refusal."""
        if is_remote(location):
            yield from self.read(location).splitlines()
            return
        try:
            with Path(location).open("rb") as file:
                while line := file.readline(MAX_BYTES + 1):
                    if len(line) > MAX_BYTES:
                        raise Refusal(
                            "too_large", f"{location}: a line has more than {MAX_BYTES >> 20} MB."
                        )
                    yield line
        except OSError as error:
            said = error.strerror or error
            raise Refusal("unreadable_document", f"{location}: cannot be read ({said}).") from error

    def _below_root(self, path: Path, href: str) -> str:
        folder = Path(self.start).parent
        try:
            found = path.resolve()
            if not found.exists() and "%" in href:
                found = Path(unquote(str(path))).resolve()
        except (OSError, ValueError, RuntimeError) as error:
            raise Refusal("unsafe_href", f"The href {href!r:.200} is no path.") from error
        if is_remote(self.root):
            raise Refusal("unsafe_href", _refused(href))
        if not (self.trusted or found.is_relative_to(folder)):
            raise Refusal(
                "unsafe_href",
                f"The href {href!r:.200} leads out of the folder of {Path(self.root).name}; give "
                "the catalogue above that holds both, or --trusted if you know who wrote it.",
            )
        return str(found)


def parsed(data: bytes, location: str) -> dict[str, Any]:
    """The JSON object in a document's bytes. Raises Refusal."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        said = "nested too deeply" if isinstance(error, RecursionError) else error
        raise Refusal("unreadable_document", f"{location}: not JSON ({said}).") from error
    if not isinstance(value, dict):
        raise Refusal("unreadable_document", f"{location}: JSON, but no object.")
    return value


def gdal_path(location: str) -> str:
    """What GDAL calls a file, URL or object of a store."""
    scheme, separator, rest = location.partition("://")
    if not separator:
        return location
    prefix = _GDAL[scheme.lower()]
    return prefix + (location if prefix == "/vsicurl/" else rest)


def is_remote(location: str) -> bool:
    return location.lower().startswith(("http://", "https://"))


def _refused(href: str) -> str:
    return (
        f"The href {href!r:.200} is not followed: only http, https, s3, gs, az and files below the "
        "root document's folder are."
    )


def _file(location: str) -> bytes:
    path = Path(location)
    if not path.is_file():  # a pipe would never end
        raise ValueError("no such file")
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _download(url: str) -> bytes:
    """At most MAX_BYTES + 1 bytes; failures that may pass are tried again."""
    for attempt in range(TRIES):
        try:
            return _fetched(url)
        except HTTPError as error:
            error.close()
            if error.code not in (429, 500, 502, 503, 504) or attempt + 1 == TRIES:
                raise
        except (OSError, HTTPException):
            if attempt + 1 == TRIES:
                raise
        time.sleep(0.2 * 4**attempt)
    raise AssertionError("the last try returns or raises")


def _fetched(url: str) -> bytes:
    opener = OpenerDirector()
    # urllib's own set would also follow a redirect to ftp
    for handler in (ProxyHandler, HTTPHandler, HTTPSHandler, HTTPRedirectHandler,
                    HTTPDefaultErrorHandler, HTTPErrorProcessor):  # fmt: skip
        opener.add_handler(handler())
    request = Request(url, headers={"User-Agent": "domainclip", "Accept": "application/json, */*"})
    end = time.monotonic() + DEADLINE_S
    data = bytearray()
    with opener.open(request, timeout=TIMEOUT_S) as response:
        while len(data) <= MAX_BYTES:
            chunk = response.read1(1 << 20)
            if not chunk:
                expected = response.headers.get("Content-Length", "")
                if expected.isdigit() and len(data) < int(expected):
                    raise OSError(f"it ends after {len(data):,} of {int(expected):,} bytes")
                break
            if not data and not chunk.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
                raise ValueError("not JSON")  # a raster, maybe, of gigabytes
            data += chunk
            if time.monotonic() > end:
                raise OSError(f"it takes longer than {DEADLINE_S} s")
    return bytes(data)
