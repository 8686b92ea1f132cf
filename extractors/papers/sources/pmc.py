"""PubMed Central's bucket: a folder an article version, its JSON with an md5 of every file.

Layout since August 2026 (README of s3://pmc-oa-opendata): ``PMC<id>.<version>/`` holds
``PMC<id>.<version>.{xml,json,txt,pdf}`` and media under their publishers' names; the same JSON is
``metadata/PMC<id>.<version>.json``; every URL in it ends in ``?md5=<digest>``. Once a day
``inventory-reports/.../manifest.json`` lists all JSON files with the day they last changed.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, unquote_plus, urlsplit

from domainclip.errors import BadInput
from domainclip.extraction import Source
from domainclip.extraction.archives.streams import Inflated

from .places import is_url, join, open_place, read_place

__all__ = [
    "BUCKET",
    "BucketArticle",
    "bucket_source",
    "inventory_sources",
    "left_out",
    "newest_version",
    "read_about",
]

BUCKET = "s3://pmc-oa-opendata"
JSON_BYTES = 16 << 20
MANIFEST_BYTES = 64 << 20
_ARTICLE_KEY = re.compile(r"(?:^|/)(PMC\d+\.\d+)(?:\.json|/.*)?$")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class BucketArticle:
    """What the JSON of an article version says. meta: its plain values. md5: of its files by name,
    "" where it gives none."""

    meta: Mapping[str, str]
    md5: Mapping[str, str]

    @classmethod
    def parsed(cls, data: bytes, name: str) -> BucketArticle:
        """Raises BadInput where it is no JSON object."""
        try:
            told: Any = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise BadInput(f"{name}: its JSON cannot be read ({error}).") from error
        if not isinstance(told, dict):
            raise BadInput(f"{name}: its JSON is no object.")
        meta: dict[str, str] = {}
        md5: dict[str, str] = {}
        for key, value in told.items():
            if isinstance(value, bool):
                meta[key] = "true" if value else "false"
            elif isinstance(value, str | int | float) and not key.endswith(("_url", "_urls")):
                meta[key] = str(value)
            for url in value if isinstance(value, list) else [value]:
                if isinstance(url, str) and "://" in url and key.endswith(("_url", "_urls")):
                    file, digest = _file_of(url)
                    md5[file] = digest
        return cls(meta, md5)

    def check(self, name: str, data: bytes) -> bytes:
        """The bytes, if their md5 is the file's. Raises BadInput."""
        said = self.md5.get(name, "")
        if said and hashlib.md5(data, usedforsecurity=False).hexdigest() != said:
            raise BadInput(
                f"{name}: its md5 is not {said}, which the article's JSON gives; fetch it again."
            )
        return data


def left_out(meta: Mapping[str, str], keep: frozenset[str] = frozenset()) -> tuple[str, str] | None:
    """Why an article is left out by default -> (reason, sentence), or None.

    keep: of "retracted", "historical_ocr", "tdm", those that are wanted all the same.
    """
    if meta.get("is_retracted") == "true" and "retracted" not in keep:
        return "retracted", "PubMed Central says that the article is retracted."
    if meta.get("is_historical_ocr") == "true" and "historical_ocr" not in keep:
        return "historical_ocr", "Its text was read from scanned pages by a machine."
    if meta.get("license_code", "").upper() == "TDM" and "tdm" not in keep:
        return "license_tdm", "It may be mined for text and data, but not passed on."
    return None


def bucket_source(base: str, name: str) -> Source:
    """The source of an article version (PMC7301234.1) or of an article's newest (PMC7301234)."""
    return Source(name, join(base, name), (("form", "pmc"),))


def read_about(folder: str, name: str) -> BucketArticle | None:
    """What the JSON in an article's folder, or in ``metadata/`` beside it, says; None without one.

    Raises BadInput where a server is out of reach.
    """
    base = folder.rstrip("/").rpartition("/")[0] if is_url(folder) else join(folder, "..")
    for place in (join(folder, f"{name}.json"), join(join(base, "metadata"), f"{name}.json")):
        try:
            data = read_place(place, limit=JSON_BYTES)
        except BadInput as error:
            if "out of reach" in str(error):
                raise
            continue
        return BucketArticle.parsed(data, place)
    return None


def inventory_sources(manifest: str, *, since: str = "") -> Iterator[Source]:
    """A source for every article version in a daily inventory, or for those changed since a day.

    manifest: path or URL of a manifest.json. The articles are looked for beside the
    ``inventory-reports`` that it lies in, else in the bucket that it names. since: ISO date; a
    change of any of an article's files changes its JSON. Raises BadInput.
    """
    if since and not _DAY.fullmatch(since):
        raise BadInput(f"since={since!r}: must be a day as 2026-11-01.")
    try:
        told = json.loads(read_place(manifest, limit=MANIFEST_BYTES))
        files = [str(each["key"]) for each in told["files"]]
        schema = [each.strip() for each in str(told["fileSchema"]).split(",")]
        bucket = f"s3://{str(told['sourceBucket']).removeprefix('arn:aws:s3:::')}"
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{manifest}: is no manifest of an S3 inventory ({error!r}).") from error
    before, found, _ = manifest.partition("inventory-reports")
    base = before.rstrip("/") or ("." if found else "")
    if not found:
        base = bucket
    try:
        key_at = schema.index("Key")
        day_at = schema.index("LastModifiedDate") if since else -1
    except ValueError as error:
        raise BadInput(f"{manifest}: the inventory lists no {error}.") from error
    changed = False
    for key in files:
        for each in _of_rows(_data_place(manifest, base, key), key_at, day_at, since, base):
            changed = True
            yield each
    if since and not changed:
        detail = f"Nothing that the inventory lists was changed on {since} or later."
        told = (("refused", "nothing_changed"), ("detail", detail), ("quarantine", False))
        yield Source(manifest.rsplit("/", 1)[-1], manifest, told)


def is_manifest(head: bytes) -> bool:
    """Do these first bytes belong to an S3 inventory's manifest?"""
    return head.lstrip()[:1] == b"{" and b'"sourceBucket"' in head


def newest_version(base: str, pmcid: str) -> str:
    """The folder's name of an article's newest version. Raises BadInput where there is none."""
    from .remote import pages_of_prefix

    if base.startswith("s3://"):
        names: Iterator[str] = pages_of_prefix(join(base, f"{pmcid}."))
        versions = [name for name in names if name.startswith(f"{pmcid}.")]
    else:
        versions = [name for name in _folder_names(base) if name.startswith(f"{pmcid}.")]
    numbers = [int(name.rsplit(".", 1)[1]) for name in versions if name.rsplit(".", 1)[1].isdigit()]
    if not numbers:
        raise BadInput(f"{pmcid}: no version of it is in {base}; is it open access?")
    return f"{pmcid}.{max(numbers)}"


def _folder_names(base: str) -> list[str]:
    if is_url(base):
        from .remote import list_remote

        return [name for name, folder, _ in list_remote(base) if folder]
    try:
        return os.listdir(base)  # noqa: PTH208 - one call for a folder of millions
    except OSError as error:
        raise BadInput(f"{base!r} cannot be listed ({error.strerror}).") from error


def _of_rows(place: str, key_at: int, day_at: int, since: str, base: str) -> Iterator[Source]:
    with open_place(place) as file:
        head = file.read(2)
        file.seek(0)
        stream = Inflated(file, place) if head == b"\x1f\x8b" else file
        last = ""
        for row in csv.reader(_lines(stream)):
            if len(row) <= max(key_at, day_at):
                continue
            found = _ARTICLE_KEY.search(unquote_plus(row[key_at]))
            if found is None or found.group(1) == last:
                continue
            if since and row[day_at][:10] < since:
                continue
            last = found.group(1)
            yield bucket_source(base, last)


def _lines(stream: Any) -> Iterator[str]:
    held = b""
    while data := stream.read(1 << 16):
        held += data
        *lines, held = held.split(b"\n")
        for line in lines:
            yield line.decode("utf-8", "replace")
    if held:
        yield held.decode("utf-8", "replace")


def _data_place(manifest: str, base: str, key: str) -> str:
    """Where a part of the inventory lies: by its key, or in ``data`` beside the day's folder."""
    if is_url(manifest):
        return join(base, key)
    last, day = key.rsplit("/", 1)[-1], os.path.dirname(manifest)  # noqa: PTH120
    near = [join(day, last), join(join(join(day, ".."), "data"), last)]
    if not is_url(base):
        near.insert(0, join(base, key))
    return next((each for each in near if os.path.isfile(each)), join(base, key))  # noqa: PTH113


def _file_of(url: str) -> tuple[str, str]:
    """(file's name in its article's folder, md5 or "") of a URL in the JSON."""
    parts = urlsplit(url)
    path = unquote(parts.path).lstrip("/")
    found = re.match(r"(?:.*/)?PMC\d+\.\d+/(.+)", path)
    digest = re.search(r"(?:^|&)md5=([0-9a-fA-F]{32})", parts.query)
    name = found.group(1) if found else path.rsplit("/", 1)[-1]
    return name, digest.group(1).lower() if digest else ""
