"""A header without what identifies anybody: the Basic Profile of DICOM PS3.15 Annex E, or more.

Every element at any depth goes by ``plan``: out, empty, a dummy, another UID, a shifted date, its
text cleaned, or kept. Elements are taken as they lie in the file, and only those whose value is
changed or looked into are decoded, which is what makes it fast. What cannot be read cannot be shown
to be harmless, so it is left out, words in the place of a number too. Afterwards the texts, codes
and numbers that stay are searched for what was taken out (``residue``).

Differs from the table: where it asks to remove a content item of a structured report, the item
stays with a dummy value; whole groups 60xx are left out, since an overlay's bitmap may show a name;
a sequence that becomes a dummy keeps the form of its first item, with dummies for all values;
attributes that neither the table nor a dictionary knows are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from copy import copy
from typing import TypeAlias

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.tag import BaseTag
from pydicom.uid import PYDICOM_IMPLEMENTATION_UID

from domainclip.errors import UsageError

from ..quiet import quiet
from .content import item_steps
from .decode import MAX_DEPTH, decoded, plain
from .dummies import dummy, empty, text
from .keeping import fits, searched
from .plan import Op, Step, plan_for, unlisted
from .policy import Policy
from .private import safe_private
from .pseudonyms import Pseudonyms
from .residue import Residue
from .stamps import stamps
from .values import age, as_bytes, uids

__all__ = ["deidentify"]

_Element: TypeAlias = DataElement | RawDataElement
_Elements: TypeAlias = dict[BaseTag, _Element]
_SOP_CLASS = 0x00080016
_CLOCK = re.compile(rb"[0-9:.+\- \\\0]*")
_NUMBER = re.compile(rb"(?:[0-9+\-.,eE \\\0]|nan|inf)*", re.IGNORECASE)
_UID = re.compile(r"[0-9.]{1,64}")


def deidentify(
    dataset: Dataset,
    policy: Policy,
    pseudonyms: Pseudonyms,
    *,
    patient: str,
    scrub: Callable[[str], str] | None = None,
    secret: Collection[str] = (),
) -> Dataset:
    """A new data set that identifies nobody; the given one stays as it was.

    patient: the name that stands for the patient (``Pseudonyms.patient``): it becomes the patient's
    name and ID, and dates are shifted by it. scrub: a text without the names, dates and numbers
    that it had; without one, what the options would clean is removed, and they are not stamped.
    secret: ``matching.forms_of`` the study's identifiers, which no text, code or number that stays
    may hold, whatever this one's header says of them.

    Pixel data are handed on as they are. Raises UsageError for a patient's name that is no plain
    word, what ``scrub`` raises, and nothing for a malformed file that could be read at all.
    """
    if not (patient.isascii() and patient.isprintable()) or "\\" in patient or len(patient) > 64:
        raise UsageError("The patient's pseudonym must be at most 64 plain ASCII letters.")
    with quiet():
        run = _Run(policy, pseudonyms, patient, scrub, secret)
        return run.whole(dataset)


class _Run:
    """One data set on its way."""

    def __init__(
        self,
        policy: Policy,
        pseudonyms: Pseudonyms,
        patient: str,
        scrub: Callable[[str], str] | None,
        secret: Collection[str],
    ) -> None:
        self.policy, self.pseudonyms, self.patient = policy, pseudonyms, patient
        self.scrub = scrub
        self.columns = policy.columns(scrub=scrub is not None)
        self.reports = "structured_content" in self.columns
        self.residue = Residue(secret)
        self.sop_class = ""
        self.scrub_failed = False

    def whole(self, dataset: Dataset) -> Dataset:
        charset = dataset.original_character_set or "iso8859"
        self.sop_class = plain(dataset, _SOP_CLASS)
        elements = self.elements(dataset, "", 0, {})
        self.residue.clear()
        elements |= stamps(self.policy, dataset, scrub=self.scrub is not None)
        made = Dataset(elements, parent_encoding=charset)
        made.set_original_encoding(*dataset.original_encoding, charset)
        meta = getattr(dataset, "file_meta", None)
        if meta is not None:
            made.file_meta = self.meta(meta)
        return made

    def meta(self, meta: Dataset) -> FileMetaDataset:
        """The file's class, instance and transfer syntax; no source, no private information."""
        made = FileMetaDataset()
        for tag in (0x00020002, 0x00020003, 0x00020010):
            uid = plain(meta, tag)
            if tag == 0x00020003 and "uids" not in self.columns:
                uid = self.pseudonyms.uid(uid) if uid else ""
            if _UID.fullmatch(uid):
                made[tag] = DataElement(tag, "UI", uid)
        made.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
        made.ImplementationVersionName = "DOMAINCLIP"
        return made

    def elements(
        self,
        dataset: Dataset,
        within: str,
        depth: int,
        first: Mapping[int, Step],
    ) -> _Elements:
        """The elements that stay of a data set or an item. first: steps that go before others."""
        plan = plan_for(self.columns, self.scrub is not None, self.sop_class, within)
        safe = safe_private(dict(dataset.items())) if "private" in self.columns else ()
        made: _Elements = {}
        for tag, element in dataset.items():
            number = int(tag)
            step = first.get(number) or plan.get(number)
            if step is None and number in safe:
                made[tag] = element if isinstance(element, RawDataElement) else copy(element)
                continue
            if step is None:
                step = self.unlisted(number, plan)
            if step.op is Op.DROP:
                if step.kind:
                    self.take(element, step)
                continue
            try:
                self.one(dataset, tag, element, step, made, depth)
            except Exception:  # of whatever kind: what cannot be read is left out
                if self.scrub_failed:
                    raise
                made.pop(tag, None)
        return made

    def unlisted(self, number: int, plan: dict[int, Step]) -> Step:
        step = unlisted(number, self.columns, self.scrub is not None)
        if not number >> 16 & 1:  # as many as the dictionary has, not as many as a file has
            plan[number] = step
        return step

    def one(
        self,
        dataset: Dataset,
        tag: BaseTag,
        element: _Element,
        step: Step,
        made: _Elements,
        depth: int,
    ) -> None:
        op, vr = step.op, step.vr
        if op is Op.KEEP:
            self.keep(dataset, tag, element, vr, made)
        elif op is Op.ITEMS:
            made[tag] = self.items(dataset, tag, element, depth)
        elif op is Op.UID:
            self.take(element, step)
            made[tag] = text(tag, "UI", uids(as_bytes(element), self.pseudonyms.uid, False))
        elif op is Op.CLASS:
            made[tag] = text(tag, "UI", uids(as_bytes(element), self.pseudonyms.uid, True))
        elif op is Op.EMPTY:
            self.take(element, step)
            made[tag] = empty(tag, vr)
        elif op is Op.PATIENT:
            self.take(element, step)
            made[tag] = text(tag, vr, self.patient)
        elif op is Op.SHIFT:
            self.take(element, step)
            made[tag] = text(tag, vr, self.shifted(as_bytes(element), vr))
        elif op is Op.AGE:
            made[tag] = text(tag, vr, age(as_bytes(element)))
        elif op is Op.CLEAN:
            self.clean(dataset, tag, element, vr, made)
        elif vr == "SQ":
            made[tag] = self.form(dataset, tag, element, depth)
        else:
            self.take(element, step)
            made[tag] = dummy(tag, vr)

    def keep(
        self, dataset: Dataset, tag: BaseTag, element: _Element, vr: str, made: _Elements
    ) -> None:
        """As it is, where the file's VR is the attribute's, or another that holds no words."""
        said = element.VR
        if said is not None and said != vr and not fits(said, vr):
            return
        if isinstance(element, RawDataElement) and element.value is None and element.length:
            # left in the file so far
            found = dataset.get_item(tag)
            if found is None:
                return
            element = found
        if vr in ("DA", "DT", "TM") and not _CLOCK.fullmatch(as_bytes(element)):
            made[tag] = empty(tag, vr)
            return
        if vr == "AS":
            made[tag] = text(tag, vr, age(as_bytes(element)))
            return
        if vr in ("DS", "IS"):
            value = as_bytes(element)
            if not _NUMBER.fullmatch(value):  # words in the place of a number
                return
            if self.residue.numbers and not self.residue.numbers.isdisjoint(
                part.strip(b" \0+") for part in value.split(b"\\")
            ):
                made[tag] = empty(tag, vr)
                return
        made[tag] = element if isinstance(element, RawDataElement) else copy(element)
        if vr == "CS" or searched(int(tag), said, vr):
            self.residue.kept(made, tag, as_bytes(element), coded=vr == "CS")

    def take(self, element: _Element, step: Step) -> None:
        """Remembers a value that identifies somebody, to be looked for elsewhere."""
        if step.kind == "date":
            self.residue.taken(as_bytes(element)[:8], exact=True)
        elif step.kind:
            self.residue.taken(as_bytes(element), name=step.kind == "name", exact=step.vr == "UI")

    def shifted(self, value: bytes, vr: str) -> str:
        if vr == "TM":
            return value.decode("ascii").rstrip(" \0") if _CLOCK.fullmatch(value) else ""
        shift = self.pseudonyms.shift_date if vr == "DA" else self.pseudonyms.shift_datetime
        parts = value.decode("ascii", "replace").split("\\")
        return "\\".join(shift(part, self.patient) for part in parts)

    def clean(
        self, dataset: Dataset, tag: BaseTag, element: _Element, vr: str, made: _Elements
    ) -> None:
        assert self.scrub is not None
        value = decoded(dataset, element, vr).value
        several = [value] if isinstance(value, str) else list(value or ())
        self.scrub_failed = True  # until it is done: its errors are the caller's, not the file's
        cleaned = [self.scrub(str(part)) for part in several]
        self.scrub_failed = False
        made[tag] = DataElement(tag, vr, cleaned if len(cleaned) > 1 else "".join(cleaned))
        self.residue.kept(made, tag, "\\".join(cleaned).encode("utf-8", "replace"))

    def items(self, dataset: Dataset, tag: BaseTag, element: _Element, depth: int) -> _Element:
        """A sequence, each item by the same rules."""
        if depth >= MAX_DEPTH:
            return empty(tag, "SQ")
        made = []
        for item in decoded(dataset, element, "SQ").value:
            first = item_steps(item, self.columns) if self.reports else {}
            made.append(self.item(item, self.elements(item, f"{tag:08X}", depth + 1, first)))
        return DataElement(tag, "SQ", Items(made))

    def form(self, dataset: Dataset, tag: BaseTag, element: _Element, depth: int) -> _Element:
        """The first item of a sequence, with a dummy for each value."""
        if depth >= MAX_DEPTH:
            return empty(tag, "SQ")
        items = decoded(dataset, element, "SQ").value
        if not items:
            return empty(tag, "SQ")
        plan = plan_for(self.columns, self.scrub is not None, self.sop_class, "*")
        made: _Elements = {}
        for number, inner in items[0].items():
            step = plan.get(int(number)) or self.unlisted(int(number), plan)
            if step.op is Op.DROP:
                continue
            if step.vr == "SQ":
                made[number] = self.form(items[0], number, inner, depth + 1)
            elif step.op in (Op.CLASS, Op.UID):
                keep = step.op is Op.CLASS
                made[number] = text(number, "UI", uids(as_bytes(inner), self.pseudonyms.uid, keep))
            else:
                made[number] = dummy(number, step.vr)
        return DataElement(tag, "SQ", Items([self.item(items[0], made)]))

    def item(self, item: Dataset, elements: _Elements) -> Dataset:
        charset = item.original_character_set or "iso8859"
        made = Dataset(elements, parent_encoding=charset)
        made.set_original_encoding(*item.original_encoding, charset)
        made.is_undefined_length_sequence_item = item.is_undefined_length_sequence_item
        return made
