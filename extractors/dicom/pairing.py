"""The pairs of one study: which of its images to show, with what is said of each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydicom.dataset import Dataset

from domainclip.errors import BadInput, DomainclipError
from domainclip.extraction import Source
from domainclip.pairs import Pair, Skip

from .captions import header_caption
from .choice import Chosen, chosen_of
from .copies import write_copies
from .facts import facts_of, secret_of, spoken
from .naming import Naming, naming_of
from .picturing import Picture, picture_of_frame, picture_of_web_image
from .pixels.decoding import decode
from .quiet import quiet
from .records import StudyFiles
from .sources.places import read_place
from .study import MAX_FILE_BYTES, Instance, Study, dataset_of, read_study, skip_of
from .texts import Told, caption_of, cleaner_of, read_reports, told_of
from .volumes import write_volumes

if TYPE_CHECKING:
    from . import Dicom

__all__ = ["pairs_of"]


def pairs_of(options: Dicom, source: Source) -> Iterator[Pair | Skip]:
    """The pairs of one source; no skip and no error holds a value of any file."""
    part = dict(source.part)
    naming = naming_of(options, options.key_check)
    try:
        with quiet():
            yield from _Pairing(options, naming, source.name).pairs(
                StudyFiles.of(list(part.items()))
            )
    except DomainclipError:
        raise
    except Exception as error:
        if options.keep_identifiers:
            raise
        # the libraries' messages hold values of headers; what was read before this point stays
        detail = (
            f"The rest of it could not be read ({type(error).__name__}); --names tells its files."
        )
        yield Skip(where=source.name, reason="unforeseen", detail=detail)


@dataclass(frozen=True, slots=True)
class _Pairing:
    options: Dicom
    naming: Naming
    name: str

    def pairs(self, files: StudyFiles) -> Iterator[Pair | Skip]:
        study = read_study(files, self.name, self.naming)
        study.secret = secret_of(self.options, study.identifiers)
        yield from study.skips
        if study.conflict:
            detail = "Its files are of more than one patient; tell them apart, then run again."
            yield Skip(where=self.name, reason="two_patients", detail=detail)
            return
        told: list[Told] = []
        for item in read_reports(self.options, study, files.reports, self.naming):
            if isinstance(item, Skip):
                yield item
            else:
                told.append(item)
        if not study.instances:
            for _ in told:
                yield Skip(where=self.name, reason="report_without_image", quarantine=False)
            return
        if self.options.captions == "header":
            told = [each for each in told if each.form == "key_object"]
        chosen, skips = chosen_of(self.options, study, told, self.name)
        yield from skips
        for each in chosen:
            yield from self._of_file(study, told, each)
        yield from write_copies(self.options, study, self.naming)
        yield from write_volumes(self.options, study, self.naming)

    def _of_file(self, study: Study, told: Sequence[Told], chosen: Chosen) -> Iterator[Pair | Skip]:
        instance = chosen.instance
        where = f"{self.name}/{instance.name}"
        said = told_of(instance, [each for each in told if each.form != "key_object"])
        if self.options.captions == "report" and not said:
            yield Skip(where=where, reason="image_without_report", quarantine=False)
            return
        try:
            if instance.web:
                data = read_place(instance.place, limit=MAX_FILE_BYTES)
                picture = picture_of_web_image(self.options, data)
                yield self._pair(study, said, chosen, 0, picture, Dataset())
                return
            dataset = dataset_of(instance.place)
            decoded = decode(
                dataset,
                max_pixels=self.options.max_mpx * 1_000_000,
                frames=chosen.frames,
                max_px=self.options.max_px,
            )
        except BadInput as error:
            yield skip_of(where, error)
            return
        for frame in chosen.frames:
            try:
                picture = picture_of_frame(self.options, dataset, decoded, frame)
            except BadInput as error:
                at = f"{where} frame {frame + 1}" if instance.frames > 1 else where
                yield skip_of(at, error)
                continue
            yield self._pair(study, said, chosen, frame, picture, dataset)

    def _pair(
        self,
        study: Study,
        said: Sequence[Told],
        chosen: Chosen,
        frame: int,
        picture: Picture,
        dataset: Dataset,
    ) -> Pair | Skip:
        instance, options = chosen.instance, self.options
        key = f"{self.name}/{instance.name}"
        if instance.frames > 1:
            key += f"-f{frame + 1:04d}"
        clean = cleaner_of(options, study.identifiers, study.patient, self.naming)
        facts = facts_of(options, dataset, self.naming, study.patient, clean, study.secret)
        plane = chosen.planes.get(frame, "")
        header = header_caption(spoken(dataset, facts, plane, _window(picture)))
        text, texts = caption_of(options.text, said, header)
        if not text:
            detail = "Neither a report nor its header says what it shows."
            return Skip(where=key, reason="no_text", detail=detail, quarantine=False)
        labels = dict.fromkeys(label for each in said for label in each.labels)
        labels |= dict.fromkeys(
            n for each in said for n, s in each.status.items() if s == "present"
        )
        return Pair(
            key=key,
            image=picture.data,
            image_path=f"{key.replace('/', '_')}.{'jpg' if options.format == 'jpeg' else 'png'}",
            text=text,
            texts=texts,
            labels=tuple(labels),
            document=self.name,
            group=self._group(study, said),
            source=f"dicom {options.version}",
            license=options.license
            or next((each.facts["license"] for each in said if each.facts.get("license")), ""),
            width=picture.width,
            height=picture.height,
            sha256=hashlib.sha256(picture.data).hexdigest(),
            phash=picture.phash,
            where=self._where(instance, frame, chosen),
            meta=self._meta(said, facts, picture, len(study.instances)),
        )

    def _group(self, study: Study, said: Sequence[Told]) -> str:
        if study.patient:
            return f"patient-{study.patient}"
        named = next((each.patient for each in said if each.patient), "")
        if named and self.naming.pseudonyms is not None:
            return f"patient-{self.naming.pseudonyms.patient(['', named])}"
        return f"patient-{named}" if named else self.name

    def _where(self, instance: Instance, frame: int, chosen: Chosen) -> dict[str, Any]:
        where: dict[str, Any] = {}
        if not instance.web:
            where["sop_instance"] = self.naming.uid(instance.sop_uid)
            where["series"] = self.naming.uid(instance.series_uid)
        if instance.frames > 1:
            where["frame"] = frame + 1
        if frame in chosen.planes:
            where["plane"] = chosen.planes[frame]
        if frame in chosen.places:
            at, of = chosen.places[frame]
            where["slice"], where["slices"] = at + 1, of
        return where

    def _meta(
        self, said: Sequence[Told], facts: dict[str, str], picture: Picture, images: int
    ) -> dict[str, Any]:
        meta: dict[str, Any] = dict(facts)
        meta["images_in_study"] = images
        if said:
            meta["link"] = said[0].how
        for told in said:
            meta |= {name: value for name, value in told.facts.items() if name in self._told_facts}
        for status in ("uncertain", "absent"):
            names = dict.fromkeys(n for t in said for n, s in t.status.items() if s == status)
            if names:
                meta[status] = list(names)
        for name in ("windows", "inverted", "colour_space"):
            if picture.facts.get(name):
                meta[name] = picture.facts[name]
        notes = dict.fromkeys([*picture.notes, *(w for told in said for w in told.warnings)])
        if notes:
            meta["notes"] = list(notes)
        if picture.blanked:
            meta["blanked_share"] = round(picture.blanked, 4)
        meta["identifiers"] = self._identifiers
        return meta

    @property
    def _identifiers(self) -> str:
        if self.options.keep_identifiers:
            return "kept"
        but = [*self.options.keep]
        if self.options.dates != "remove":
            but.append("dates" if self.options.dates == "keep" else "shifted dates")
        return f"removed but for {', '.join(but)}" if but else "removed"

    @property
    def _told_facts(self) -> frozenset[str]:
        kept = {"modality", "plane", "location", "completion", "verification", "mesh", "license"}
        if "patient" in self.options.keep or self.options.keep_identifiers:
            kept |= {"age", "sex"}
        return frozenset(kept)


def _window(picture: Picture) -> str:
    """The name of the window where it is a preset's."""
    sources = [str(each.get("source", "")) for each in picture.facts.get("windows", ())]
    name = sources[0] if len(sources) == 1 else ""
    return name.removeprefix("preset:").replace("_", " ") if name.startswith("preset:") else ""
