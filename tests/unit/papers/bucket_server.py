"""A server on this machine that speaks as much HTTP and S3 as reading a bucket takes."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape

__all__ = ["BucketServer"]

PAGE = 3  # prefixes a page, so that few of them need several


class BucketServer:
    """Serves ``files`` (key -> bytes) as http://host/key and, as bucket ``pmc``, as s3://pmc/key.

    failures: how many of the next requests are answered by 503. asked: how often each path was.
    """

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files, self.failures = files, 0
        self.asked: Counter[str] = Counter()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server.answer(self, body=True)

            def do_HEAD(self) -> None:
                server.answer(self, body=False)

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: BaseHTTPRequestHandler, *, body: bool) -> None:
        parts = urlsplit(request.path)
        key = unquote(parts.path).lstrip("/")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.asked[key] += 1
        status, data, headers = 200, b"", {}
        if self.failures:
            self.failures -= 1
            status = 503
        elif "list-type" in query:
            data = self._listed(query)
        elif key.removeprefix("pmc/") in self.files:
            data = self.files[key.removeprefix("pmc/")]
            headers = {"ETag": f'"{hashlib.md5(data).hexdigest()}"', "Accept-Ranges": "bytes"}
            asked = request.headers.get("Range", "")
            if asked.startswith("bytes="):
                first, _, last = asked.removeprefix("bytes=").partition("-")
                total, start = len(data), int(first)
                data = data[start : int(last) + 1 if last else None]
                headers["Content-Range"] = f"bytes {start}-{start + len(data) - 1}/{total}"
                status = 206
        elif not key or key.endswith("/"):
            names = {name[len(key) :] for name in self.files if name.startswith(key)}
            links = {each.split("/")[0] + ("/" if "/" in each else "") for each in names}
            data = "".join(f'<a href="{quote(each)}">x</a>\n' for each in sorted(links)).encode()
            headers = {"Content-Type": "text/html"}
        else:
            status = 404
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        if body:
            request.wfile.write(data)

    def _listed(self, query: dict[str, str]) -> bytes:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        folders: set[str] = set()
        keys: list[str] = []
        for key in sorted(self.files):
            if not key.startswith(prefix):
                continue
            rest = key[len(prefix) :]
            if delimiter and delimiter in rest:
                folders.add(prefix + rest.split(delimiter)[0] + delimiter)
            else:
                keys.append(key)
        start = int(query.get("continuation-token", "0"))
        page = sorted(folders)[start : start + PAGE]
        more = start + PAGE < len(folders)
        contents = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(self.files[key])}</Size>"
            "<LastModified>2026-11-01T00:00:00.000Z</LastModified><ETag>x</ETag></Contents>"
            for key in (keys if not start else [])
        )
        prefixes = "".join(
            f"<CommonPrefixes><Prefix>{each}</Prefix></CommonPrefixes>" for each in page
        )
        token = f"<NextContinuationToken>{start + PAGE}</NextContinuationToken>" if more else ""
        return (
            "<?xml version='1.0'?><ListBucketResult><Name>pmc</Name>"
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{contents}{prefixes}"
            "</ListBucketResult>"
        ).encode()
