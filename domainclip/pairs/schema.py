"""The pair: an image with its texts and where they came from, as dataclass and Arrow schema."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

__all__ = ["ERROR_SCHEMA", "PAIR_SCHEMA", "Pair", "Skip", "Text", "from_row", "to_row"]

JSON = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Text:
    """One text of a pair. role: caption, title, mention, abstract, findings, impression, label, ...
    lang: BCP 47 tag (``en``) or empty where unknown."""

    role: str
    text: str
    lang: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One row of a pairs directory.

    key: unique and stable. image: encoded bytes (JPEG or PNG as found, else lossless PNG).
    text: the caption that a recipe trains on by default; texts: every text with its role.
    group: the unit that must never cross a split. split: train, val, test or "".
    width, height: pixels. sha256: hex digest of ``image``. phash: 64-bit perceptual hash.
    where: place of origin (page and box; CRS, bounds, GSD; SOP instance pseudonym and frame);
    meta: the rest that the source gave. Both must be JSON objects.
    """

    key: str
    image: bytes
    text: str
    width: int
    height: int
    image_path: str = ""
    texts: tuple[Text, ...] = ()
    labels: tuple[str, ...] = ()
    document: str = ""
    group: str = ""
    split: str = ""
    source: str = ""
    license: str = ""
    sha256: str = ""
    phash: int = 0
    where: JSON = field(default_factory=dict)
    meta: JSON = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """An input, or a part of one, that gave no pair: typed, counted, never silent.

    where: the input, as its user would name it. reason: a short class of causes in snake_case
    (``corrupt_image``, ``below_purity``). detail: one sentence a person can act on.
    quarantine: True sends it to ``_errors.parquet`` (something was wrong with the input); False
    counts it only (the options asked for it to be left out).
    """

    where: str
    reason: str
    detail: str = ""
    stage: str = "extract"
    quarantine: bool = True


PAIR_SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        ("text", pa.string()),
        (
            "texts",
            pa.list_(
                pa.struct([("role", pa.string()), ("text", pa.string()), ("lang", pa.string())])
            ),
        ),
        ("labels", pa.list_(pa.string())),
        ("document", pa.string()),
        ("group", pa.string()),
        ("split", pa.string()),
        ("source", pa.string()),
        ("license", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("sha256", pa.string()),
        ("phash", pa.uint64()),
        ("where", pa.string()),
        ("meta", pa.string()),
    ]
)

ERROR_SCHEMA = pa.schema(
    [
        ("input", pa.string()),
        ("stage", pa.string()),
        ("error", pa.string()),
        ("message", pa.string()),
        ("time", pa.timestamp("ms", tz="UTC")),
    ]
)


def to_row(pair: Pair) -> dict[str, Any]:
    """The pair as a row of PAIR_SCHEMA; a missing sha256 is computed from the image bytes."""
    return {
        "key": pair.key,
        "image": {"bytes": pair.image, "path": pair.image_path},
        "text": pair.text,
        "texts": [{"role": t.role, "text": t.text, "lang": t.lang} for t in pair.texts],
        "labels": list(pair.labels),
        "document": pair.document,
        "group": pair.group,
        "split": pair.split,
        "source": pair.source,
        "license": pair.license,
        "width": pair.width,
        "height": pair.height,
        "sha256": pair.sha256 or hashlib.sha256(pair.image).hexdigest(),
        "phash": pair.phash,
        "where": _dump(pair.where),
        "meta": _dump(pair.meta),
    }


def from_row(row: Mapping[str, Any]) -> Pair:
    """The pair of a row of PAIR_SCHEMA (absent columns take the dataclass's defaults)."""
    image = row.get("image") or {}
    return Pair(
        key=row.get("key") or "",
        image=image.get("bytes") or b"",
        image_path=image.get("path") or "",
        text=row.get("text") or "",
        texts=tuple(
            Text(t["role"] or "", t["text"] or "", t["lang"] or "") for t in row.get("texts") or ()
        ),
        labels=tuple(row.get("labels") or ()),
        document=row.get("document") or "",
        group=row.get("group") or "",
        split=row.get("split") or "",
        source=row.get("source") or "",
        license=row.get("license") or "",
        width=row.get("width") or 0,
        height=row.get("height") or 0,
        sha256=row.get("sha256") or "",
        phash=row.get("phash") or 0,
        where=json.loads(row.get("where") or "{}"),
        meta=json.loads(row.get("meta") or "{}"),
    )


def _dump(value: JSON) -> str:
    # a JSON object with sorted keys: the same pair always gives the same bytes
    return json.dumps(value, ensure_ascii=False, sort_keys=True, allow_nan=False)
