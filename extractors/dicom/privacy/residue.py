"""What was taken out in one attribute is looked for in the texts that stay.

The table goes by attribute; people do not. A patient's name in a descriptor that the table keeps,
a station's in a software version, an accession number in a lens description: whatever a header
calls the patient, others, numbers and places is searched for, as whole words, in all text that a
run keeps, and a text that has it is replaced by a dummy. So are code strings and numbers, into
which people type too; but a value of standard terms stays where a patient is called like one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag

from .dummies import dummy, empty, text
from .generic import is_generic
from .matching import words_of

__all__ = ["LEAST", "Residue"]

# The shortest value that is looked for, and the longest: longer ones are no names.
LEAST, _MOST = 4, 1024
_MANY = 4096
# Numbers of fewer digits stand in headers by chance.
_LEAST_DIGITS = 6
_PARTS = re.compile(rb"[\s^=,\\]+")


_EDGES = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
_LETTERS = re.compile(rb"[A-Z]+")
# Code strings that must have one of a few values, and those that may be without.
_VALID = {0x00080060: "OT", 0x00080068: "FOR PRESENTATION"}
_EMPTY = frozenset((0x00080005, 0x00180015, 0x00185100, 0x00200060, 0x00200062, 0x00185101))
# Defined terms of PS3.3 and PS3.16 annex L that may be somebody's name.
_TERMS = frozenset(
    b"""
    ABDOMEN ADDITION ANKLE ANGIO ANTERIOR AORTA ARCH ARM ARTERY AVERAGE AXIAL BASE BLADDER BODY BONE
    BRAIN BREAST CALF CARDIAC CHEST CINE CLAVICLE COLON COLOR CORONAL DECUBITUS DERIVED DIFFUSION
    DIXON DYNAMIC ELBOW EXTREMITY FACE FINGER FLAIR FLOW FOOT FRONTAL GATED HAND HEAD HEART HUMERUS
    IMAGE INVERTED KIDNEY KNEE LATERAL LEFT LEG LINEAR LIVER LOCALIZER LUNG MAGNITUDE MANDIBLE
    MAXIMUM MEAN MEDIAN MINIMUM MIXED MONO MONOCHROME MOSAIC NECK NONE NORM NORMAL OBLIQUE ORBIT
    ORIGINAL OTHER OVERLAY PALETTE PELVIS PERFUSION PHASE PLANAR POSTERIOR PRIMARY PROCESSING
    PRESENTATION PRONE PROJECTION RATIO REFORMATTED REST RIGHT ROSE SAGITTAL SCOUT SECONDARY SHAPE
    SHOULDER SIGMOID SKULL SPINE STATIC STRESS SUBTRACTION SUPINE TABLE TEMPORAL THIGH THORAX THUMB
    TIME TOMO UNALTERED VENOUS VOLUME WATER WHOLE WHOLEBODY WRIST
    """.split()
)


class Residue:
    """The texts of one data set, at any depth. Bytes throughout: what is looked for and what is
    looked through are written in the same character set.

    forms: ``matching.forms_of`` what else must not be in them, of the other files of the study.
    """

    __slots__ = ("_forms", "_found", "_kept", "numbers")

    def __init__(self, forms: Iterable[str] = ()) -> None:
        self._found: set[tuple[bool, bool, bytes]] = set()
        self._kept: list[tuple[dict[BaseTag, Any], BaseTag, bytes, bool]] = []
        self._forms = tuple(
            form
            for form in forms
            if not is_generic(form)
            and not (form.strip().isdigit() and len(form.strip()) < _LEAST_DIGITS)
        )
        # of identifiers that are numbers: what a decimal string must not be
        self.numbers = frozenset(
            form.strip().encode() for form in self._forms if form.strip().isdigit()
        )

    def taken(self, value: bytes, *, name: bool = False, exact: bool = False) -> None:
        """A value that was taken out. name: of a person, whose parts count too. exact: a date or a
        UID, which is no word that could stand there by chance."""
        if len(value) <= _MOST and len(self._found) < _MANY:
            self._found.add((name, exact, value))

    def kept(
        self, elements: dict[BaseTag, Any], tag: BaseTag, value: bytes, *, coded: bool = False
    ) -> None:
        """A text that stays, as element ``tag`` of ``elements``. coded: its values are terms."""
        self._kept.append((elements, tag, value, coded))

    def clear(self) -> None:
        """Puts others in the place of the kept elements in which a taken value or a form stands."""
        patterns, forms = self._patterns(), self._present()
        if not patterns and not forms:
            return

        def holds(value: bytes) -> bool:
            upper = value.upper()
            if any(pattern.search(upper) for pattern in patterns):
                return True
            return bool(forms) and any(form in said for said in _said(value) for form in forms)

        for elements, tag, value, coded in self._kept:
            if not coded:
                if holds(value):
                    vr = _vr(elements, tag)
                    elements[tag] = empty(tag, vr) if vr in ("IS", "DS") else dummy(tag, vr)
                continue
            parts = value.split(b"\\")
            bad = [not _of_terms(part) and holds(part) for part in parts]
            if any(bad):
                elements[tag] = _without(tag, _vr(elements, tag), parts, bad)

    def _patterns(self) -> list[re.Pattern[bytes]]:
        everything = b"\n".join(value for _, _, value, _ in self._kept).upper()
        made = []
        # a number may stand right behind a name: "Doe1"
        for name, edge in ((True, b"[A-Z]"), (False, b"[0-9A-Z]")):
            words = [word for word in self._words(name) if word in everything]
            if words:
                any_word = b"|".join(map(re.escape, words))
                made.append(re.compile(b"(?<!%b)(?:%b)(?!%b)" % (edge, any_word, edge)))
        return made

    def _present(self) -> list[str]:
        if not self._forms:
            return []
        # each on its own: they may be in different character sets
        everything = "".join("".join(_said(value)) for _, _, value, _ in self._kept)
        return [form for form in self._forms if form in everything]

    def _words(self, names: bool) -> set[bytes]:
        words = set()
        for name, exact, value in self._found:
            if name != names:
                continue
            whole = [part.strip(b" \0") for part in value.split(b"\\")]
            for part in [*whole, *_PARTS.split(value)] if name else whole:
                word = part.strip(b" \0.").upper()
                if len(word) >= LEAST and (exact or not is_generic(word.decode("latin-1"))):
                    words.add(word)
        return words


def _said(value: bytes) -> tuple[str, str]:
    """The words of a text, and those with numbers apart from letters ("Doe1")."""
    try:
        words = words_of(value.decode())
    except UnicodeDecodeError:
        words = words_of(value.decode("latin-1"))
    return words, _EDGES.sub(" ", words)


def _of_terms(part: bytes) -> bool:
    """Whether a code string is made of standard terms, and of words too short for a name."""
    words = _LETTERS.findall(part)
    return part.isascii() and all(word in _TERMS or len(word) < LEAST for word in words)


def _vr(elements: dict[BaseTag, Any], tag: BaseTag) -> str:
    said = elements[tag].VR
    return dictionary_VR(tag) if said in (None, "UN") else str(said)


def _without(tag: BaseTag, vr: str, parts: list[bytes], bad: list[bool]) -> RawDataElement:
    if len(parts) == 1 and int(tag) in _VALID:
        return text(tag, vr, _VALID[int(tag)])
    if int(tag) in _EMPTY:
        return empty(tag, vr)
    kept = (
        "REMOVED" if wrong else part.decode("ascii", "ignore").strip(" \0")
        for part, wrong in zip(parts, bad, strict=True)
    )
    return text(tag, vr, "\\".join(kept))
