"""Reports of the Indiana University chest X-ray collection (OpenI): eCitation XML.

Source: Demner-Fushman et al., "Preparing a collection of radiology examinations for distribution
and retrieval", JAMIA 2016, doi:10.1093/jamia/ocv080. Names and numbers in them were replaced by
XXXX by their publishers.
"""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

from domainclip.errors import BadInput

from ..records import Report, Section
from .concepts import language_of, section_name
from .decoding import tidy

__all__ = ["read_openi"]

MAX_BYTES = 8 << 20
_ROOT = b"<eCitation"
# Main headings that say where or how something looks and not what it is: ``Lung/hyperdistention``
# is filed under Lung, ``Markings/lung/bilateral`` under Markings. What they say is in ``mesh``.
_PLACES = (
    *("abdomen", "adipose tissue", "aorta", "aorta, thoracic", "blood vessels", "bone and bones"),
    *(
        "breast",
        "bronchi",
        "cardiac shadow",
        "cervical vertebrae",
        "clavicle",
        "costophrenic angle",
    ),
    *("diaphragm", "epicardial fat", "heart", "heart atria", "heart ventricles", "humerus"),
    *("lumbar vertebrae", "lung", "lymph nodes", "mediastinum", "neck", "nipple shadow", "pleura"),
    *("pulmonary artery", "pulmonary veins", "ribs", "scapula", "shoulder", "spine", "sternum"),
    *("sulcus", "thoracic vertebrae", "thorax", "trachea", "trachea, carina"),
)
_SHAPES = ("deformity", "density", "markings", "shift", "thickening")
_NOTES = ("no indexing", "technical quality of image unsatisfactory", "contrast media")
_NO_FINDINGS = frozenset((*_PLACES, *_SHAPES, *_NOTES))


def read_openi(data: bytes) -> Report:
    """The report of one eCitation file.

    sections: those with text, in the order of the file. references: the ids of its images, which
    are their file names without the ending. labels: the main headings of the terms that were
    coded by hand (MeSH/major), each once whatever its case, ``normal`` among them, without places,
    shapes and notes on the coding (``_NO_FINDINGS``). facts: mesh and mesh_automatic (all the terms
    with their qualifiers, ``Opacity/lung/base/left``, joined by ``"; "``), image_captions, license,
    collection. Raises BadInput: no eCitation, damaged XML, more than 8 MB.
    """
    if len(data) > MAX_BYTES:
        raise BadInput(f"The report holds more than {MAX_BYTES >> 20} MB, which is the limit.")
    root = _tree(data)
    sections = tuple(_sections(root))
    major, automatic = _texts(root, "MeSH/major"), _texts(root, "MeSH/automatic")
    images = [image for image in root.iterfind("parentImage") if image.get("id")]
    captions = dict.fromkeys(_text(image, "caption") for image in images)
    labels: dict[str, str] = {}
    for main in map(_main, major):
        labels.setdefault(main.casefold(), main)
    facts = {
        "mesh": "; ".join(major),
        "mesh_automatic": "; ".join(automatic),
        "image_captions": "; ".join(caption for caption in captions if caption),
        "license": _text(root, "licenseURL") or _text(root, "licenseType"),
        "collection": _text(root, "title"),
    }
    text = "\n\n".join(f"{section.heading}: {section.text}" for section in sections)
    return Report(
        form="openi",
        text=text,
        sections=sections,
        lang=language_of(_text(root, "MedlineCitation/Article/Language")),
        references=tuple(dict.fromkeys(image.get("id").strip() for image in images)),
        labels=tuple(label for key, label in labels.items() if key and key not in _NO_FINDINGS),
        facts={name: value for name, value in facts.items() if value},
        warnings=() if text else ("the report holds no text",),
    )


def _tree(data: bytes) -> Any:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=False
    )
    if _ROOT not in data[:65536]:
        raise BadInput("The file is no eCitation XML.")
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise BadInput("The XML of the report is damaged.") from None
    if root.tag != "eCitation":
        raise BadInput("The file is no eCitation XML.")
    return root


def _sections(root: Any) -> list[Section]:
    found = []
    for element in root.iterfind("MedlineCitation/Article/Abstract/AbstractText"):
        text = _flat(element)
        heading = " ".join((element.get("Label") or "").split())
        if text:
            found.append(Section(section_name("", heading), heading, text))
    return found


def _main(term: str) -> str:
    """``Opacity`` of ``Opacity/lung/base/left``."""
    return term.partition("/")[0].strip()


def _texts(root: Any, path: str) -> list[str]:
    return [text for element in root.iterfind(path) if (text := _flat(element))]


def _text(root: Any, path: str) -> str:
    element = root.find(path)
    return "" if element is None else _flat(element)


def _flat(element: Any) -> str:
    """All text below an element, in one line."""
    return re.sub(r"\s+", " ", tidy("".join(element.itertext()))).strip()
