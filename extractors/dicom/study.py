"""One study's headers, read once: its images, where they lie, who must not be named."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import combinations

from pydicom.dataset import Dataset

from domainclip.errors import BadInput
from domainclip.pairs import Skip

from .naming import Naming
from .pixels.reading import attribute, read_dataset
from .privacy.generic import is_generic
from .privacy.identifiers import identifiers_of
from .records import Identifier, Place, StudyFiles
from .series.geometry import Slice, is_whole_slide, slices_of
from .sources.places import open_place

__all__ = [
    "MAX_FILE_BYTES",
    "Instance",
    "Study",
    "dataset_of",
    "header_of",
    "image_name",
    "read_study",
    "skip_of",
    "text_of",
]

MAX_FILE_BYTES = 4 << 30
MAX_HEADER_BYTES = 256 << 20
_WEB_MAGIC = (b"\x89PNG", b"\xff\xd8\xff")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """A file with pixels. name: pseudonym within the study. sop_uid, series_uid: as the file says;
    of a web image, which has none, its file name. frames: how many the header says."""

    place: Place
    name: str
    sop_uid: str
    series_uid: str
    modality: str
    frames: int
    web: bool = False


@dataclass(slots=True)
class Study:
    """name: the source's. patient: pseudonym, "" where nothing tells one. skips: files that cannot
    be used. secret: words that no fact and no copy may hold (``facts.secret_of``). conflict: the
    files are of two patients. chest: a header says that the chest is shown."""

    name: str
    instances: list[Instance] = field(default_factory=list)
    slices: list[Slice] = field(default_factory=list)  # index: into instances
    identifiers: tuple[Identifier, ...] = ()
    secret: frozenset[str] = frozenset()
    patient: str = ""
    skips: list[Skip] = field(default_factory=list)
    conflict: bool = False
    chest: bool = False


def read_study(files: StudyFiles, name: str, naming: Naming) -> Study:
    """All headers of a study, one file open at a time; what cannot be read becomes a skip."""
    study = Study(name)
    known: dict[Identifier, None] = {}
    people: set[tuple[str, str, str]] = set()
    for refused in files.refused:
        where = f"{name}/{naming.file(refused.place)}"
        study.skips.append(
            Skip(
                where=where,
                reason=refused.reason,
                detail=refused.detail,
                quarantine=refused.reason not in ("no_pixels", "duplicate_instance"),
            )
        )
    for place in files.images:
        try:
            _read_image(study, place, naming, known, people)
        except BadInput as error:
            study.skips.append(skip_of(f"{name}/{naming.file(place)}", error))
    study.identifiers = tuple(known)
    study.conflict = _two(people)
    return study


def dataset_of(place: Place) -> Dataset:
    """A file's data set with its pixels. Raises BadInput."""
    with open_place(place) as file:
        return read_dataset(file, max_bytes=MAX_FILE_BYTES)


def header_of(place: Place) -> Dataset | None:
    """A file's data set without its pixels; None for a web image, which has none. Raises
    BadInput."""
    with open_place(place) as file:
        if file.read(4).startswith(_WEB_MAGIC):
            return None
        file.seek(0)
        return read_dataset(file, pixels=False, max_bytes=MAX_HEADER_BYTES)


def image_name(place: Place, header: Dataset | None, naming: Naming) -> str:
    """What an image is called in its study: by its UID, else by its file."""
    uid = "" if header is None else text_of(header, "SOPInstanceUID")
    return naming.instance(uid) if uid else naming.file(place).partition("-")[2]


def skip_of(where: str, error: BadInput, otherwise: str = "unreadable") -> Skip:
    """The skip of a refusal. otherwise: the reason of one that has none of its own."""
    return Skip(where=where, reason=getattr(error, "reason", otherwise), detail=str(error))


def text_of(dataset: Dataset, keyword: str) -> str:
    """An attribute's value as text, "" where there is none."""
    value = attribute(dataset, keyword)
    return "" if value is None else str(value).strip(" \0")


def _read_image(
    study: Study,
    place: Place,
    naming: Naming,
    known: dict[Identifier, None],
    people: set[tuple[str, str, str]],
) -> None:
    header = header_of(place)
    name = image_name(place, header, naming)
    if header is None:
        study.instances.append(
            Instance(
                place=place,
                name=name,
                sop_uid=place.path.rsplit("/", 1)[-1],
                series_uid="",
                modality="",
                frames=1,
                web=True,
            )
        )
        return
    if is_whole_slide(header):
        raise BadInput("It is a whole-slide image, whose frames are tiles; cut it as a scene.")
    index = len(study.instances)
    slices = slices_of(header, index)
    study.slices += slices
    study.instances.append(
        Instance(
            place=place,
            name=name,
            sop_uid=text_of(header, "SOPInstanceUID"),
            series_uid=text_of(header, "SeriesInstanceUID"),
            modality=text_of(header, "Modality"),
            frames=slices[0].frames,
        )
    )
    part = text_of(header, "BodyPartExamined").upper()
    study.chest |= any(word in part for word in ("CHEST", "THORAX", "LUNG"))
    known.update(dict.fromkeys(identifiers_of(header)))
    people.add(
        (
            text_of(header, "PatientID"),
            " ".join(text_of(header, "PatientName").replace("^", " ").split()).casefold(),
            text_of(header, "PatientBirthDate"),
        )
    )
    if not study.patient:
        study.patient = (
            text_of(header, "PatientID")
            if naming.pseudonyms is None
            else naming.pseudonyms.patient(header)
        )


def _two(people: Iterable[tuple[str, str, str]]) -> bool:
    """Are they of two patients: two IDs, or two names without a word in common?

    A name of one file that another lacks, a middle name or a title more make no second patient; a
    person who changed her whole name between two images of one study does, and is for a person to
    look at.
    """
    people = list(people)
    if len({number for number, _, _ in people if number}) > 1:
        return True
    names = [set(name.split()) for _, name, _ in people if name and not is_generic(name)]
    return any(not one & other for one, other in combinations(names, 2))
