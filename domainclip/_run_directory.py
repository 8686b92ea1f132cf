"""A run's directory: held by one process, of one recipe, with every finished stage kept."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from zipfile import BadZipFile

import numpy as np
import yaml

from domainclip.errors import OutputInUse
from domainclip.pairs._files import output_errors, temporary_beside, write_bytes
from domainclip.recipe import Recipe, to_yaml

__all__ = ["TRIAL", "RunDirectory", "Stages", "digest", "hold", "write_bytes"]

RECIPE = "recipe.yaml"
# a training goes on with other devices, and says what that means (``training.fit``)
_ON_OTHER_RANKS = ("trainer.devices", "trainer.strategy", "data.batch_size")
TRIAL = "A smoke run: "  # how its note begins
_MADE = ("checkpoints", "adapter", "head", "metrics.json")


class RunDirectory:
    """The directory as a context manager; several recipes never meet in one.

    Raises OutputInUse where another process holds it, where it belongs to another recipe (the keys
    that differ are named) or holds something else; OutputError where it cannot be written.
    """

    def __init__(self, path: Path, recipe: Recipe) -> None:
        self.path, self.recipe = path, recipe
        self._lock = -1

    def __enter__(self) -> Self:
        self._refuse_foreign()
        with output_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        self._lock = hold(self.path / ".lock", self.path)
        try:
            self._refuse_other_recipe()
            write_bytes(self.path / RECIPE, to_yaml(self.recipe).encode())
        except BaseException:
            os.close(self._lock)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        os.close(self._lock)

    def say(self, text: str) -> None:
        """A line of the log, with the time."""
        path = self.path / "log.txt"
        with output_errors(path), path.open("a", encoding="utf-8") as file:
            file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")

    def _refuse_foreign(self) -> None:
        if not self.path.is_dir() or (self.path / RECIPE).is_file():
            return
        others = [item.name for item in self.path.iterdir() if not item.name.startswith(".")]
        if others:
            raise OutputInUse(
                f"{self.path}: holds {min(others)!r} and no run; choose another output with -o."
            )

    def _refuse_other_recipe(self) -> None:
        path = self.path / RECIPE
        if not path.is_file() or not _begun(self.path):
            return  # nothing was done under the old recipe that could be mixed with the new one
        try:
            before = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError):
            before = None
        old, new = _flat(before), _flat(yaml.safe_load(to_yaml(self.recipe)))
        free = _ON_OTHER_RANKS if self._trains() else ()
        changed = [key for key in [*new, *(k for k in old if k not in new)]
                   if old.get(key) != new.get(key) and key not in free]  # fmt: skip
        if changed and self._is_trial_as(old):
            for item in self.path.iterdir():
                if item.is_dir():
                    shutil.rmtree(item)
                elif item.name != ".lock":
                    item.unlink()
            return
        if changed:
            shown = ", ".join(changed[:6]) + (" and more" if len(changed) > 6 else "")
            raise OutputInUse(
                f"{self.path}: holds a run of another recipe, which differs in {shown}; choose "
                "another output with -o, or delete it to start anew."
            )

    def _is_trial_as(self, old: Mapping[str, Any]) -> bool:
        """Whether both this run and the one that lies here are smoke runs of one name: a trial is
        edited and tried again, and its numbers mean nothing."""
        trials = self.recipe.note.startswith(TRIAL) and str(old.get("note")).startswith(TRIAL)
        return trials and old.get("name") == self.recipe.name

    def _trains(self) -> bool:
        """Whether a training was begun and not ended."""
        ended = (self.path / "stages" / "train.json").is_file()
        return (self.path / "checkpoints").is_dir() and not ended


class Stages:
    """What finished stages gave, one JSON file each; a stage is there whole or not at all."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def get(self, name: str) -> dict[str, Any] | None:
        """The result of a finished stage, else None."""
        try:
            found = json.loads((self.path / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def put(self, name: str, result: Mapping[str, Any]) -> None:
        """Keep the result of a stage. Raises OutputError."""
        text = json.dumps(result, indent=1, ensure_ascii=False, allow_nan=False)
        write_bytes(self.path / f"{name}.json", text.encode())

    def once(self, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The stage's result, made if it is not there yet; ``seconds`` is added to it."""
        found = self.get(name)
        if found is None:
            started = time.monotonic()
            made = make()
            found = {**made, "seconds": round(time.monotonic() - started, 3)}
            self.put(name, found)
        return found

    def arrays(self, name: str) -> dict[str, np.ndarray] | None:
        """The arrays of a finished stage, else None."""
        try:
            with np.load(self.path / f"{name}.npz", allow_pickle=False) as file:
                return {key: file[key] for key in file.files}
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            return None

    def put_arrays(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Keep arrays of numbers or text. Raises OutputError."""
        path = self.path / f"{name}.npz"
        with output_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = temporary_beside(path)
            try:
                with temporary.open("xb") as file:
                    np.savez_compressed(file, **dict(arrays))  # type: ignore[arg-type]
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)


def hold(lock: Path, what: Path, *, wait: bool = False) -> int:
    """Lock a file for this process's life; returns its descriptor. A dead process holds nothing.

    Raises OutputInUse where another process holds it, unless we wait.
    """
    with output_errors(lock):
        lock.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError as error:
        who = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
        os.close(descriptor)
        raise OutputInUse(
            f"{what}: another run is writing it{f' (process {who})' if who else ''}; wait for its "
            "end, or choose another output with -o."
        ) from error
    with output_errors(lock):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def digest(value: Any, length: int = 12) -> str:
    """A short hash of plain values."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def _begun(path: Path) -> bool:
    """Whether anything was made here, or by a run of a sweep here, that depends on the recipe.

    What was measured of the plain model is kept by the hash of what it depends on.
    """
    stages = (item.name for item in (path / "stages").glob("*"))
    return (
        any((path / name).exists() for name in _MADE)
        or not all(name.startswith((".", "before-")) for name in stages)
        or any(_begun(run) for run in (path / "runs").glob("*"))
    )


def _flat(tree: Any, prefix: str = "") -> dict[str, Any]:
    """Leaves by dotted key; lists are leaves, other than lists of sections."""
    if isinstance(tree, dict) and tree:
        return {
            key: value
            for name, inner in tree.items()
            for key, value in _flat(inner, f"{prefix}.{name}" if prefix else str(name)).items()
        }
    if isinstance(tree, list) and any(isinstance(item, dict) for item in tree):
        return {
            key: value
            for at, inner in enumerate(tree)
            for key, value in _flat(inner, f"{prefix}.{at}").items()
        }
    return {prefix: tree}
