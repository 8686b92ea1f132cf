"""Facts in the metadata files of products: Landsat's MTL and Sentinel-2's MTD."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from domainclip.errors import BadInput

from ..records import SceneFacts
from .spelling import as_iso, as_percent, as_said
from .trust import local_file
from .xml import read_xml

__all__ = ["facts_beside"]

TEXT_BYTES = 1 << 20
_LANDSAT = re.compile(r"(L[COTEM]0[1-9]_L[12]\w{2}_\d{6}_\d{8}_\d{8}_\d\d_(?:T1|T2|RT))")
_FIELD = re.compile(r'^\s*"?(\w+)"?\s*[=:]\s*"?([^"\n,]*)"?,?\s*$', re.MULTILINE)


def facts_beside(path: str) -> SceneFacts:
    """What the metadata file of the product that a local file is part of says; nothing where there
    is none or it cannot be read."""
    file = local_file(path)
    if file is None:
        return SceneFacts()
    with suppress(BadInput, OSError):
        if found := _LANDSAT.search(file.name):
            return _landsat(file.parent, found[1])
        for folder in (file, *file.parents)[:6]:
            if folder.suffix.upper() == ".SAFE":
                return _sentinel2(folder)
    return SceneFacts()


def _landsat(folder: Path, product: str) -> SceneFacts:
    """Text or JSON: both have one field a line."""
    for ending in ("_MTL.txt", "_MTL.json"):
        file = folder / (product + ending)
        if file.is_file() and file.stat().st_size <= TEXT_BYTES:
            fields = dict(_FIELD.findall(file.read_text(encoding="utf-8", errors="replace")))
            day, time = fields.get("DATE_ACQUIRED", ""), fields.get("SCENE_CENTER_TIME", "")
            return SceneFacts(
                acquired=as_iso(f"{day}T{time}" if time else day),
                sensor=as_said(fields.get("SPACECRAFT_ID", "").replace("_", " ")),
                cloud_percent=as_percent(fields.get("CLOUD_COVER")),
            )
    return SceneFacts()


def _sentinel2(folder: Path) -> SceneFacts:
    file = next((folder / f"MTD_MSIL{level}.xml" for level in ("2A", "1C")
                 if (folder / f"MTD_MSIL{level}.xml").is_file()), None)  # fmt: skip
    if file is None:
        return SceneFacts()
    fields: dict[str, str] = {}
    for element in read_xml(file).iter():
        fields.setdefault(element.tag.rpartition("}")[2], (element.text or "").strip())
    return SceneFacts(
        acquired=as_iso(
            fields.get("DATATAKE_SENSING_START") or fields.get("PRODUCT_START_TIME", "")
        ),
        sensor=as_said(fields.get("SPACECRAFT_NAME")),
        cloud_percent=as_percent(fields.get("Cloud_Coverage_Assessment")),
    )
