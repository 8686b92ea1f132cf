"""What a policy does with each attribute, worked out once and then looked up by tag."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from pydicom.datadict import dictionary_has_tag, dictionary_VR, keyword_for_tag

from ..records import IdentifierKind
from .dummies import TEXT_VRS
from .profile import Row, resolve, row_of, rows, type_keys, type_of

__all__ = ["Op", "Step", "plan_for", "step_of", "unlisted"]


class Op(enum.Enum):
    """What is done with an element."""

    KEEP = enum.auto()
    DROP = enum.auto()
    EMPTY = enum.auto()
    DUMMY = enum.auto()
    UID = enum.auto()  # each UID by the one that stands for it, registered ones as they are
    CLASS = enum.auto()  # a UID that stays (of a class, a syntax, a scheme): if it is one at all
    CLEAN = enum.auto()  # text through the function that the caller gave
    SHIFT = enum.auto()
    AGE = enum.auto()
    ITEMS = enum.auto()  # a sequence: each item by the same rules
    PATIENT = enum.auto()  # the patient's pseudonym


@dataclass(frozen=True, slots=True)
class Step:
    """op: what is done. vr: that the attribute has. kind: of identifier, or ""."""

    op: Op
    vr: str
    kind: IdentifierKind | Literal[""] = ""


_NAME, _ID = "00100010", "00100020"
_TEXT_VALUE = 0x0040A160
_FREE = frozenset(("LT", "ST", "UT", "UC"))
# Free text by its VR that vendors and dictionaries fill in, not people.
_NOT_FREE = frozenset(
    (
        *(0x00080108, 0x00080114, 0x00080115, 0x00080119, 0x00187006, 0x00187008),
        *(0x00187040, 0x00187041, 0x00187062, 0x00286190, 0x00660032, 0x20100010),
        *(0x0008030C, 0x0008030D, 0x0008030E, 0x0008030F, 0x00160008, 0x0016000C, 0x00160017),
    )
)
_CLASSES = frozenset(
    (
        *(0x00080016, 0x0008001A, 0x0008001B, 0x00080062, 0x0008010C, 0x0008010D, 0x00080117),
        *(0x00080118, 0x0008040E, 0x00081150, 0x0008115A, 0x00083002, 0x00041510, 0x00041512),
        *(0x0004151A, 0x00340003, 0x04000010, 0x04000510, 0x30100052, 0x30100053),
    )
)
# Shorter text that people type, by its keyword.
_WORDY = re.compile("(?:Description|Comments?|Notes|Explanation|Label|Text)$")
_DROP = Step(Op.DROP, "UN")


def plan_for(
    columns: tuple[str, ...], can_clean: bool, sop_class: str, within: str
) -> dict[int, Step]:
    """tag -> step for the whole table, but for its patterns. The caller may add ``unlisted`` ones.

    columns: of ``Policy.columns``. sop_class: UID. within: the sequence's tag as eight digits, or
    "" at the top level.
    """
    # as many plans as the table of Types tells apart, not as many as a hostile file has UIDs
    classes, parents = type_keys()
    if within:
        return _plan(columns, can_clean, "", within if within in parents else "*")
    return _plan(columns, can_clean, sop_class if sop_class in classes else "", "")


@lru_cache(maxsize=512)
def _plan(
    columns: tuple[str, ...], can_clean: bool, sop_class: str, within: str
) -> dict[int, Step]:
    plan = dict(_single(columns, can_clean))
    for tag, row in _tagged():
        if "/" in row.basic:
            plan[tag] = step_of(row, columns, can_clean, type_of(tag, sop_class, within))
    return plan


@lru_cache(maxsize=8)
def _single(columns: tuple[str, ...], can_clean: bool) -> dict[int, Step]:
    """The rows with one action, which hold for all."""
    return {
        tag: step_of(row, columns, can_clean, "1") for tag, row in _tagged() if "/" not in row.basic
    }


@lru_cache(maxsize=1)
def _tagged() -> tuple[tuple[int, Row], ...]:
    return tuple(
        (int(row.tag, 16), row)
        for row in rows().values()
        if row.tag != "private" and "x" not in row.tag
    )


def step_of(row: Row, columns: tuple[str, ...], can_clean: bool, attribute_type: str) -> Step:
    """The step of a row.

    Keep goes before Clean, Clean before the Basic Profile; but where dates are shifted a date is
    never kept as it is for another option's sake, since the two together would tell the shift.
    Clean without a function that cleans, or of what is no text, is the Basic Profile.
    """
    if row.tag in (_NAME, _ID):
        return Step(Op.PATIENT, row.vr, row.kind)
    basic = resolve(row.basic, attribute_type)
    wanted = {row.options[column] for column in columns if column in row.options}
    if "dates_shift" in columns and row.options.get("dates_shift") == "C":
        return Step(Op.SHIFT, row.vr, row.kind)
    if "K" in wanted:
        kept = {"SQ": Op.ITEMS, "UI": Op.CLASS, "AS": Op.AGE}.get(row.vr, Op.KEEP)
        return Step(kept, row.vr, row.kind)
    if "C" in wanted and row.vr == "SQ":
        return Step(Op.ITEMS, row.vr, row.kind)
    if "C" in wanted and row.vr in TEXT_VRS and can_clean:
        return Step(Op.CLEAN, row.vr, row.kind)
    return Step(_basic_op(basic, row.vr), row.vr, row.kind)


def unlisted(tag: int, columns: tuple[str, ...], can_clean: bool) -> Step:
    """The step of an attribute that is not in the table.

    Out: private ones, whole curves and overlays, group lengths, commands, what no dictionary knows.
    Names, dates and UIDs go by their VR. Free text (LT, ST, UT, UC) is cleaned where descriptions
    are, else emptied; so are shorter texts called a description, comment or label. All else stays.
    """
    group = tag >> 16
    pattern = row_of(tag)
    if pattern is not None or group & 0xFF00 in (0x5000, 0x6000) or group < 0x0004 or group == 2:
        return _DROP
    # repeating groups but for curves and overlays (source image IDs, variable pixel data) are in no
    # dictionary by their own tag, and retired
    if not tag & 0xFFFF or group == 0xFFFE or not dictionary_has_tag(tag):
        return _DROP
    vr = dictionary_VR(tag)
    if vr == "SQ":
        return Step(Op.ITEMS, vr)
    if vr == "PN":
        return Step(Op.DUMMY, vr, "name")
    if vr in ("DA", "DT", "TM"):
        return Step(_date_op(columns), vr, "" if vr == "TM" else "date")
    if vr == "UI":
        kept = "uids" in columns
        return Step(Op.CLASS if kept or tag in _CLASSES else Op.UID, vr)
    if tag == _TEXT_VALUE:
        cleaned = can_clean and ("descriptors" in columns or "structured_content" in columns)
        return Step(Op.CLEAN if cleaned else Op.DUMMY, vr)
    if vr in _FREE and tag not in _NOT_FREE:
        return Step(Op.CLEAN if can_clean and "descriptors" in columns else Op.EMPTY, vr)
    wordy = vr in TEXT_VRS and _WORDY.search(keyword_for_tag(tag)) is not None
    if wordy and can_clean and "descriptors" in columns:
        return Step(Op.CLEAN, vr)
    return Step(Op.KEEP, vr)


def _date_op(columns: tuple[str, ...]) -> Op:
    if "dates_keep" in columns:
        return Op.KEEP
    return Op.SHIFT if "dates_shift" in columns else Op.EMPTY


def _basic_op(action: str, vr: str) -> Op:
    if action == "U":
        return Op.ITEMS if vr == "SQ" else Op.UID
    if action == "D" and vr == "UI":
        return Op.UID
    return {"X": Op.DROP, "Z": Op.EMPTY, "D": Op.DUMMY, "K": Op.KEEP, "C": Op.DROP}[action]
