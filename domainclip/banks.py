"""Text banks: sentences that describe classes, each row with its origin.

A bank is a file of rows (class, text, origin): JSON Lines, CSV or TSV; or the JSON object
{class: [sentence, ...]} that CuPL's banks are released as, whose rows have the file's name as their
origin. Class names are compared without case, and with underscores as blanks.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domainclip.errors import BadInput, OutputError

__all__ = ["BankRow", "append_rows", "class_key", "descriptions", "missing", "read_bank", "rows_of",
           "write_bank"]  # fmt: skip

COLUMNS = ("class", "text", "origin")


@dataclass(frozen=True, slots=True)
class BankRow:
    """A sentence about a class, and where it comes from: a person, a book, a model and a prompt."""

    class_name: str
    text: str
    origin: str


def class_key(name: str) -> str:
    """What two spellings of one class name share."""
    return " ".join(name.replace("_", " ").split()).casefold()


def read_bank(path: str | Path) -> list[BankRow]:
    """The rows of a bank, in the file's order.

    Raises BadInput, naming file and line, for what is no bank, an empty field, or a sentence that a
    class has twice. In a JSON object a sentence may stand twice, as in the released ones: it then
    weighs twice.
    """
    file = Path(path)
    read = _FORMATS.get(file.suffix.lower())
    if read is None:
        raise BadInput(f"{file}: a text bank is a file that ends in {', '.join(_FORMATS)}.")
    rows: list[BankRow] = []
    seen: dict[tuple[str, str], str] = {}
    for place, row in read(file, _text(file)):
        key = class_key(row.class_name), row.text
        if key in seen and file.suffix.lower() != ".json":
            raise BadInput(
                f"{file}:{place}: {row.class_name!r} has this sentence already, in line "
                f"{seen[key]}; delete one of them."
            )
        seen.setdefault(key, place)
        rows.append(row)
    if not rows:
        raise BadInput(f"{file}: holds no row; `domainclip bank CLASS... -o FILE` fills a bank.")
    return rows


def rows_of(path: str | Path, classnames: Sequence[str]) -> dict[str, list[BankRow]]:
    """Class name, as it was given -> its rows. Raises BadInput naming the classes without any."""
    found: dict[str, list[BankRow]] = {}
    for row in read_bank(path):
        found.setdefault(class_key(row.class_name), []).append(row)
    lacking = [name for name in classnames if class_key(name) not in found]
    if lacking:
        raise missing(str(path), lacking)
    return {name: found[class_key(name)] for name in classnames}


def descriptions(path: str | Path, classnames: Sequence[str]) -> dict[str, list[str]]:
    """Class name, as it was given -> its sentences. Raises BadInput."""
    return {name: [row.text for row in rows] for name, rows in rows_of(path, classnames).items()}


def missing(where: str, classnames: Sequence[str]) -> BadInput:
    """The error that a bank lacks some classes."""
    shown = ", ".join(map(repr, classnames[:10]))
    more = f" and {len(classnames) - 10} more" if len(classnames) > 10 else ""
    return BadInput(
        f"{where}: the bank has no sentence about {shown}{more}; write some, or have them made: "
        "domainclip bank CLASS... -o FILE."
    )


def write_bank(path: str | Path, rows: Iterable[BankRow]) -> Path:
    """Write a bank as JSON Lines, whole or not at all. Raises OutputError."""
    file = Path(path)
    temporary = file.with_name(f".{file.name}.tmp")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as out:
            out.write(_lines(rows))
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(file)
    except OSError as error:
        raise OutputError(f"{file}: cannot be written ({error.strerror or error}).") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return file


def append_rows(path: str | Path, rows: Iterable[BankRow]) -> None:
    """Add rows to a bank of JSON Lines, made if it is absent; they are on the disk at the return.

    A last line that an interruption has cut short is removed. Raises OutputError.
    """
    file = Path(path)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("ab+") as out:
            out.seek(0)
            _mend(out)
            out.write(_lines(rows))
            out.flush()
            os.fsync(out.fileno())
    except OSError as error:
        raise OutputError(f"{file}: cannot be written ({error.strerror or error}).") from error


def _mend(file: Any) -> None:
    whole, newline, last = file.read().rpartition(b"\n")
    if not last:
        return
    try:
        json.loads(last)
    except ValueError:
        file.truncate(len(whole) + len(newline))
    else:
        file.write(b"\n")


def _lines(rows: Iterable[BankRow]) -> bytes:
    values = (dict(zip(COLUMNS, (r.class_name, r.text, r.origin), strict=True)) for r in rows)
    return "".join(json.dumps(v, ensure_ascii=False) + "\n" for v in values).encode()


def _text(file: Path) -> str:
    try:
        found = file.read_bytes()
    except FileNotFoundError as error:
        raise BadInput(
            f"{file}: no such file; `domainclip bank CLASS... -o FILE` makes a text bank."
        ) from error
    except OSError as error:
        raise BadInput(f"{file}: cannot be read ({error.strerror or error}).") from error
    try:
        return found.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = found.count(b"\n", 0, error.start) + 1
        raise BadInput(f"{file}:{line}: not UTF-8; save the file in that encoding.") from error


def _row(file: Path, place: str, values: Mapping[str, Any]) -> BankRow:
    """A row of those columns. Raises BadInput."""
    for column in COLUMNS:
        if column not in values:
            raise BadInput(
                f"{file}:{place}: has no {column!r}; a row holds {', '.join(map(repr, COLUMNS))}."
            )
        if not isinstance(values[column], str) or not values[column].strip():
            raise BadInput(f"{file}:{place}: {column!r} is {values[column]!r}, and must be a text.")
    return BankRow(*(values[column].strip() for column in COLUMNS))


def _json_lines(file: Path, text: str) -> Iterator[tuple[str, BankRow]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                values = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise BadInput(f"{file}:{number}: not JSON ({error}).") from error
            if not isinstance(values, dict):
                raise BadInput(f"{file}:{number}: not a JSON object, which a row must be.")
            yield str(number), _row(file, str(number), values)


def _table(delimiter: str) -> Callable[[Path, str], Iterator[tuple[str, BankRow]]]:
    def read(file: Path, text: str) -> Iterator[tuple[str, BankRow]]:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        try:
            header = [name.strip() for name in next(reader, [])]
            lacking = [name for name in COLUMNS if name not in header]
            if lacking:
                raise BadInput(
                    f"{file}:1: has no column {lacking[0]!r}; the first line must name "
                    f"{', '.join(map(repr, COLUMNS))}."
                )
            for cells in reader:
                place = str(reader.line_num)
                if cells and len(cells) != len(header):
                    raise BadInput(
                        f"{file}:{place}: {len(cells)} columns instead of {len(header)}; a text "
                        "that holds the separator must stand in quotes."
                    )
                if cells:
                    yield place, _row(file, place, dict(zip(header, cells, strict=True)))
        except csv.Error as error:
            raise BadInput(f"{file}:{reader.line_num}: not a table ({error}).") from error

    return read


def _json_object(file: Path, text: str) -> Iterator[tuple[str, BankRow]]:
    try:
        pairs = json.loads(text, object_pairs_hook=list)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        raise BadInput(f"{file}:{line}: not JSON ({error}).") from error
    if not isinstance(pairs, list) or not all(isinstance(pair, tuple) for pair in pairs):
        raise BadInput(f"{file}: not a JSON object of {{class: [sentence, ...]}}.")
    names: dict[str, str] = {}
    for name, sentences in pairs:
        if class_key(name) in names:
            raise BadInput(f"{file}: {name!r} stands there twice; join its two lists.")
        names[class_key(name)] = name
        if not isinstance(sentences, list) or any(isinstance(s, tuple) for s in sentences):
            raise BadInput(f"{file}: {name!r} has no list of sentences.")
        for number, sentence in enumerate(sentences, 1):
            if not name.strip() or not isinstance(sentence, str) or not sentence.strip():
                raise BadInput(f"{file}: sentence {number} of {name!r} is {sentence!r}.")
            yield f"{name} {number}", BankRow(name.strip(), sentence.strip(), file.name)


_FORMATS: Mapping[str, Callable[[Path, str], Iterator[tuple[str, BankRow]]]] = {
    ".jsonl": _json_lines,
    ".csv": _table(","),
    ".tsv": _table("\t"),
    ".json": _json_object,
}
