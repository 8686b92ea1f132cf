"""A file server with byte ranges, in a process of its own, that writes down what it was asked for
and fails on command. Its folders are buckets of S3 too, which need no credentials. GDAL holds
Python's lock in some calls, so a thread could not answer it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar, Literal
from urllib.parse import parse_qs

__all__ = ["Served", "serving"]

Fault = Literal["503", "404", "drop", "hang up"]


@dataclass(frozen=True)
class Served:
    """url: of the folder."""

    url: str

    def fail_next(self, fault: Fault, count: int) -> None:
        """The next ``count`` requests are answered by an error, by half of what was promised (drop)
        or by nothing at all (hang up)."""
        self._ask(f"fail/{fault.replace(' ', '-')}/{count}")

    def requests(self) -> list[tuple[str, int]]:
        """(path, bytes sent) of each request so far, failed ones included."""
        return [(path, sent) for path, sent in json.loads(self._ask("log"))]

    def _ask(self, what: str) -> bytes:
        with urllib.request.urlopen(f"{self.url}/-/{what}", timeout=10) as answer:
            return bytes(answer.read())


@contextmanager
def serving(folder: Path) -> Iterator[Served]:
    """The files of a folder on a port of this machine while the context lasts."""
    with subprocess.Popen(
        [sys.executable, __file__, str(folder)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield Served(process.stdout.readline().strip())
        finally:
            process.kill()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    folder: ClassVar[Path]
    log: ClassVar[list[tuple[str, int]]] = []
    faults: ClassVar[list[str]] = []

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        if self.path.startswith("/-/fail/"):
            _, _, _, fault, count = self.path.split("/")
            self.faults[:] = [fault] * int(count)
            self._send(200, b"")
        elif self.path == "/-/log":
            self._send(200, json.dumps(self.log).encode())
        elif re.match(r"/[^/?]+/($|\?.*(delimiter|prefix)=)", self.path):
            self._list()
        else:
            self._answer(body=True)

    def _list(self) -> None:
        """What S3 answers to ListObjects: https://docs.aws.amazon.com/AmazonS3/latest/API/."""
        path, _, query = self.path.partition("?")
        asked = {key: values[0] for key, values in parse_qs(query).items()}
        prefix, delimiter = asked.get("prefix", ""), asked.get("delimiter", "")
        bucket = self.folder / path.strip("/")
        self.log.append((self.path, 0))
        if not bucket.is_dir():
            self._send(404, b"")
            return
        found = []
        for file in sorted(file for file in bucket.rglob("*") if file.is_file()):
            key = file.relative_to(bucket).as_posix()
            if not key.startswith(prefix):
                continue
            inner, slash, _ = key[len(prefix) :].partition("/")
            text = (
                f"<CommonPrefixes><Prefix>{prefix}{inner}/</Prefix></CommonPrefixes>"
                if delimiter and slash
                else f"<Contents><Key>{key}</Key><Size>{file.stat().st_size}</Size></Contents>"
            )
            if text not in found:
                found.append(text)
        listing = f"<Prefix>{prefix}</Prefix><IsTruncated>false</IsTruncated>{''.join(found)}"
        self._send(200, f"<ListBucketResult>{listing}</ListBucketResult>".encode())

    def _answer(self, *, body: bool) -> None:
        path = self.folder / self.path.partition("?")[0].lstrip("/")
        fault = self.faults.pop() if self.faults else ""
        if fault == "hang-up":
            self.log.append((self.path, 0))
            self.close_connection = True
            return
        if fault in ("503", "404") or not path.is_file():
            self.log.append((self.path, 0))
            self._send(int(fault or 404) if fault != "drop" else 404, b"")
            return
        data = path.read_bytes()
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        first = int(found[1]) if found else 0
        last = min(int(found[2]) if found and found[2] else len(data), len(data) - 1)
        part = data[first : last + 1]
        whole = f"bytes {first}-{last}/{len(data)}" if found else ""
        sent = part if body else b""
        if fault == "drop":
            sent = sent[: len(sent) // 2]
            self.close_connection = True
        self.log.append((self.path, len(sent)))
        self._send(206 if found else 200, sent, promised=len(part), content_range=whole)

    def _send(
        self, status: int, data: bytes, *, promised: int | None = None, content_range: str = ""
    ) -> None:
        self.send_response(status)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(data) if promised is None else promised))
        if content_range:
            self.send_header("Content-Range", content_range)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass


if __name__ == "__main__":
    Handler.folder = Path(sys.argv[1])
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever()
