"""Scenes of STAC: items, item collections, collections and catalogues, files or http(s).

Documents are read and links followed here, one at a time, not by pystac's walk: it follows any
href, ends at the first broken child and never at a loop. pystac makes items of what was read, and
brings old ones (from 0.8 on) to the present version.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pystac
from pystac.errors import STACError

from domainclip.errors import BadInput

from ..records import Listed
from .assets import chosen_assets
from .documents import Documents, Refusal, is_remote, parsed
from .facts import facts_of
from .tables import is_table, table_items

__all__ = ["Refused", "is_stac", "scenes_of_stac"]

MOST_DEPTH = 32
_NAMES = (".json", ".geojson", ".ndjson", ".parquet")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\]+")
# what code that trusts its input raises where that is not what it should be
_INVALID = (STACError, KeyError, TypeError, ValueError, AttributeError, IndexError,
            OverflowError, RecursionError)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refused:
    """An item or document that gives no scene. name: of the item, or where the document lies below
    the root; reason: in snake_case; detail: a sentence to act on."""

    name: str
    reason: str
    detail: str


def is_stac(root: str) -> bool:
    """Is it a STAC item, item collection, collection or catalogue, newline-delimited items or
    stac-geoparquet? A GeoJSON file of other features is not. An URL is looked at if its path ends
    in .json, .geojson or .ndjson, or in no suffix."""
    suffix = Path(urlsplit(root).path if is_remote(root) else root).suffix.lower()
    if is_remote(root):
        if suffix not in ("", *_NAMES[:3]):
            return False
    elif suffix not in _NAMES or not Path(root).is_file():
        return False
    documents = Documents(root)
    try:
        if suffix == ".parquet":
            return is_table(documents.start)
        if suffix == ".ndjson":
            line = next((each for each in documents.lines(documents.start) if each.strip()), b"")
            return _kind(parsed(line, root)) == "item"
        return bool(_kind(documents.load(documents.start)))
    except Refusal:
        return False


def scenes_of_stac(
    root: str, *, assets: Sequence[str] = (), trusted: bool = False
) -> Iterator[Listed | Refused]:
    """The scenes of a root for which ``is_stac`` holds, one an item, in the order of its links.

    assets: keys of the assets that make a scene, stacked in this order where they are several; by
    default those of bands of the finest common resolution (see ``chosen_assets``). trusted: a
    catalogue of this machine may name files anywhere on it. A broken or unsafe item or child is a
    Refused, and the rest goes on. Raises BadInput where the root itself cannot be read.
    """
    walk = _Walk(Documents(root, trusted), tuple(assets))
    found = None
    try:
        for found in walk.scenes():
            yield found
    except Refusal as error:  # of the root: the walk catches the others
        if found is None:
            raise BadInput(f"{root}: {error.detail}") from error
        yield Refused(Path(root).name, error.reason, error.detail)


@dataclass(slots=True)
class _Walk:
    """One pass over the documents of a root. seen, names: hashes of locations and of names."""

    documents: Documents
    assets: tuple[str, ...]
    seen: set[bytes] = field(default_factory=set)
    names: set[bytes] = field(default_factory=set)
    licenses: dict[str, str] = field(default_factory=dict)

    def scenes(self) -> Iterator[Listed | Refused]:
        for found in self._items():
            if isinstance(found, Refused):
                yield found
                continue
            location, value, license = found
            name = _name(value)
            if not _is_new(self.names, name):
                yield Refused(name, "repeated_id", "An item of this id was listed before.")
                continue
            try:
                yield self._scene(name, location, value, license)
            except Refusal as error:
                yield Refused(name, error.reason, error.detail)
            except _INVALID as error:
                said = " ".join(str(error).split())[:200].rstrip(".")
                detail = f"Not an item as STAC has it ({type(error).__name__}: {said})."
                yield Refused(name, "invalid_item", detail)

    def _items(self) -> Iterator[tuple[str, Mapping[str, Any], str] | Refused]:
        """(location of its document, JSON, licence of its collection) of each item."""
        start = self.documents.start
        suffix = "" if is_remote(start) else Path(start).suffix.lower()
        if suffix == ".parquet":
            yield from ((start, value, "") for value in table_items(start))
        elif start.lower().endswith(".ndjson"):
            yield from self._lines(start)
        else:
            yield from self._linked(start)

    def _lines(self, start: str) -> Iterator[tuple[str, Mapping[str, Any], str] | Refused]:
        for at, line in enumerate(self.documents.lines(start), start=1):
            if not line.strip():
                continue
            try:
                value = parsed(line, f"line {at}")
            except Refusal as error:
                yield Refused(f"line {at}", error.reason, error.detail)
                continue
            yield start, value, ""

    def _linked(self, start: str) -> Iterator[tuple[str, Mapping[str, Any], str] | Refused]:
        _is_new(self.seen, start)
        value = self.documents.load(start)
        if not _kind(value):
            raise Refusal("not_stac", "Neither a STAC item nor a collection or catalogue.")
        features, links, license = self._opened(start, value, "")
        yield from ((start, each, license) for each in features)
        # the links still to follow at each level, with the document that they stand in
        levels = [(start, iter(links), license)]
        while levels:
            document, waiting, license = levels[-1]
            link = next(waiting, None)
            if link is None:
                levels.pop()
                continue
            try:
                location = self.documents.resolve(link.get("href"), document)
                if not _is_new(self.seen, location):
                    continue
                value = self.documents.load(location)
                features, links, below = self._opened(location, value, license)
                if link.get("rel") == "next":  # a page is no level deeper
                    levels[-1] = (location, iter(links), license)
                elif links and len(levels) >= MOST_DEPTH:
                    raise Refusal("too_deep", f"It lies {MOST_DEPTH} levels down; start below.")
                elif links:
                    levels.append((location, iter(links), below))
            except Refusal as error:
                yield Refused(self._relative(link, document), error.reason, error.detail)
                continue
            yield from ((location, each, below) for each in features)

    def _opened(
        self, location: str, value: Mapping[str, Any], license: str
    ) -> tuple[Sequence[Any], Sequence[Mapping[str, Any]], str]:
        """(items, links to follow, licence for what lies below) of a document. Raises Refusal."""
        kind = _kind(value)
        if kind == "item":
            return [value], [], license
        if kind == "items":
            features = value.get("features")
            return features if isinstance(features, list) else [], _links(value, "next"), license
        if not kind:
            raise Refusal("not_stac", f"{location}: neither an item nor a collection or catalogue.")
        if isinstance(value.get("license"), str):
            license = value["license"]
        # an API gives its items by a link of their own; a static catalogue names each
        static = _links(value, "item", "child")
        return [], static or _links(value, "items"), license

    def _scene(self, name: str, location: str, value: Mapping[str, Any], license: str) -> Listed:
        if not isinstance(value, Mapping) or _kind(value) != "item":
            raise Refusal("invalid_item", "Not an item as STAC has it (no type and stac_version).")

        def resolve(href: Any) -> str:
            return self.documents.resolve(href, location)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of deprecated versions, of rasters without a place
            item = pystac.Item.from_dict(dict(value), preserve_dict=True)
            assets = {key: asset.to_dict() for key, asset in item.assets.items()}
            chosen = chosen_assets(assets, item.properties, resolve, named=self.assets)
        facts = facts_of(
            str(item.id),
            item.properties,
            collection=str(item.collection_id or ""),
            license=license or self._license(value, location),
            bands=chosen.bands,
            assets=chosen.assets,
            pixel_m=chosen.pixel_m,
        )
        return Listed(name, chosen.path, facts)

    def _license(self, value: Mapping[str, Any], location: str) -> str:
        """That of the collection that an item links to, read once."""
        for link in _links(value, "collection"):
            try:
                target = self.documents.resolve(link.get("href"), location)
                if target not in self.licenses:
                    if len(self.licenses) >= 1000:
                        self.licenses.clear()
                    self.licenses[target] = ""  # also where it cannot be read
                    found = self.documents.load(target).get("license")
                    self.licenses[target] = found if isinstance(found, str) else ""
                return self.licenses[target]
            except Refusal:
                continue
        return ""

    def _relative(self, link: Mapping[str, Any], document: str) -> str:
        """A name for what a link leads to: no folder of this machine is part of it."""
        folder = self.documents.start.rpartition("/")[0] + "/"
        return f"{document.removeprefix(folder)} -> {link.get('href')!s:.200}"


def _kind(value: Mapping[str, Any]) -> str:
    """item, items, collection, catalog, or "" for JSON that is no STAC."""
    kind = value.get("type")
    if kind == "Feature":
        return "item" if "stac_version" in value and "assets" in value else ""
    if kind == "FeatureCollection":
        features = value.get("features")
        first = features[0] if isinstance(features, list) and features else value
        is_item = isinstance(first, Mapping) and ("stac_version" in first or "assets" in first)
        return "items" if is_item or "stac_version" in value else ""
    if "stac_version" not in value or not isinstance(value.get("links"), list):
        return ""
    if kind not in (None, "Catalog", "Collection"):
        return ""
    # before 1.0 they had no type
    return "collection" if kind == "Collection" or "extent" in value else "catalog"


def _links(value: Mapping[str, Any], *rels: str) -> list[Mapping[str, Any]]:
    links = value.get("links")
    return [
        link
        for link in (links if isinstance(links, list) else ())
        if isinstance(link, Mapping)
        and link.get("rel") in rels
        and str(link.get("method", "GET")).upper() == "GET"
    ]


def _name(value: Any) -> str:
    """``collection/id``, without what a path could be led astray by."""
    if not isinstance(value, Mapping):
        return "item"
    parts = [value.get("collection"), value.get("id")]
    texts = [_UNSAFE.sub("_", str(part))[:200] for part in parts if isinstance(part, str | int)]
    return "/".join(text for text in texts if text.strip(".")) or "item"


def _is_new(seen: set[bytes], text: str) -> bool:
    """Is it met for the first time? Of hashes, so that a million cost little memory."""
    digest = hashlib.blake2b(text.encode(errors="replace"), digest_size=12).digest()
    if digest in seen:
        return False
    seen.add(digest)
    return True
