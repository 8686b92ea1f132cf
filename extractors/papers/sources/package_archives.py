"""An archive that is one article's: its files, and which of them tells it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import islice

from domainclip.errors import BadInput
from domainclip.extraction.archives.members import (
    HEAD_BYTES,
    MAX_FILE_BYTES,
    Step,
    is_packed,
    members,
)
from domainclip.extraction.archives.names import shown

from .archives import heads_wanted, opened
from .articles import articles
from .contents import MOST_FILES, Contents, Read, read_known
from .folders import Folder, entry_of
from .index import FilesIndex

__all__ = ["archive_contents"]

HELD_FILE_BYTES = 64 << 20  # of a packed archive's members what is larger is not held, but for PDFs
HELD_BYTES = 1 << 30


def archive_contents(
    stack: ExitStack, place: tuple[str, Sequence[Step]], name: str
) -> tuple[Contents, dict[str, str]]:
    """The files of an archive that is one article's, and its main files.

    Of a packed one they are read at once and held. What stands before a cut is used. Raises
    BadInput where it holds several articles.
    """
    path, inside = place
    file = stack.enter_context(opened(path, inside))
    name = shown(name.rsplit("/", 1)[-1])
    contents, heads, index = Contents({}), {}, FilesIndex()
    packed = is_packed(file)
    held = _Held()
    refused: list[str] = []
    try:
        for member in islice(
            members(file, name, held.take if packed else heads_wanted), MOST_FILES
        ):
            if member.refused:
                refused.append(f"{member.name} ({member.refused})")
                continue
            heads[member.name] = member.head
            folder, _, last = member.name.rpartition("/")
            index.add(folder, entry_of(last, member.head[:HEAD_BYTES]), size=member.size)
            if packed:
                read: Read = partial(held.give, member.name, member.size, member.head)
            else:
                read = partial(read_known, file, member.steps[-1], member.name)
            contents.files[member.name] = (member.size, read)
    except BadInput as error:
        if not contents.files:
            raise
        contents.problems.append(("damaged_archive", str(error)))
    if refused:
        detail = f"{len(refused)} members of {name} are not read: {', '.join(refused[:3])}."
        contents.problems.append(("refused_member", detail))
    main = _archive_main(index, heads, name)
    index.close()
    return contents, main


class _Held:
    """Which members of a packed archive to keep in memory while it streams by."""

    def __init__(self) -> None:
        self._left = HELD_BYTES

    def take(self, name: str, size: int) -> int:
        most = MAX_FILE_BYTES if name.lower().endswith(".pdf") else HELD_FILE_BYTES
        if size > min(most, self._left):
            return HEAD_BYTES
        self._left -= size
        return size

    @staticmethod
    def give(name: str, size: int, data: bytes) -> bytes:
        if len(data) < size:
            raise BadInput(f"{name!r}: its {size >> 20} MB are more than are kept of an archive.")
        return data


class _Index:
    """An archive's index as a tree of folders."""

    packed = True

    def __init__(self, index: FilesIndex, heads: Mapping[str, bytes]) -> None:
        self._index, self._heads = index, heads
        self.title = ""
        self.ignored: Counter[str] = Counter()

    def folder(self, path: str) -> Folder:
        return self._index.folder(path)

    def start(self, path: str, size: int) -> bytes:
        return self._heads.get(path, b"")[:size]

    def peek(self, path: str) -> tuple[str, str]:
        return "none", ""  # archives in an article's archive are supplements


def _archive_main(index: FilesIndex, heads: Mapping[str, bytes], name: str) -> dict[str, str]:
    found = [
        (each.folder, dict(each.main))
        for each in islice(articles(_Index(index, heads), "", ""), 64)
        if each.kind in ("article", "bucket") and each.main
    ]
    jats = [each for each in found if "jats" in each[1]]
    if len(found) > 1 and any("latex" in main for _, main in found):
        return {"latex": ""}
    if len(found) > 1 and len(jats) != 1:
        raise BadInput(
            f"{name}: holds {len(found)} articles; give the archive itself as a source to have "
            "each of them listed."
        )
    if not found:
        return {}
    folder, main = (jats or found)[0]
    start = f"{folder}/" if folder else ""
    return {form: start + file if file else "" for form, file in main.items()}
