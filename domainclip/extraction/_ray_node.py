"""What runs on a node of a Ray cluster: one chunk, by the same machinery as on one machine.

A Ray task hands its chunk to a local pool of one process, which the Ray worker keeps for the next
chunk. So an input that crashes, hangs or swells is watched and set apart where it runs, exactly as
the local engine does it, and Ray only has to repeat a chunk whose worker or node was killed. Every
try writes into a directory of its own below the run's, so two of them never meet.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from socket import gethostname
from tempfile import TemporaryDirectory, gettempdir

from domainclip.errors import UsageError
from domainclip.extraction._chunks import Chunk
from domainclip.extraction._local import LocalPool
from domainclip.extraction._local_engine import LocalEngine
from domainclip.extraction._worker import alive
from domainclip.extraction.task import Packed, Piece, Stop

__all__ = ["PROGRESS_S", "Site", "run_chunk"]

PROGRESS_S = 2.0  # between two notes of how far a chunk has come
_MARKERS = "domainclip-place-"  # what the names of directories for markers begin with


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What the chunks of a run share. work: the run's directory, which every node must see.

    preload: a module to import once. folder, import_path, script: the run's working directory, its
    ``sys.path`` and the file of its ``__main__`` where the extractor's class lives in there.
    """

    extractor: Packed
    preload: str
    work: Path
    timeout_s: float
    memory_bytes: int
    folder: str
    import_path: tuple[str, ...]
    script: str | None

    @classmethod
    def of_this_process(
        cls, extractor: Packed, preload: str, *, work: Path, timeout_s: float, memory_bytes: int
    ) -> Site:
        """The site of a run that this process drives."""
        in_main = preload == "__main__"
        main = getattr(sys.modules["__main__"], "__file__", None) if in_main else None
        return cls(
            extractor=extractor,
            preload=preload,
            work=work.resolve(),
            timeout_s=timeout_s,
            memory_bytes=memory_bytes,
            folder=os.getcwd(),  # noqa: PTH109 - a text, as it is
            import_path=tuple(path for path in sys.path if path),
            script=None if main is None else str(Path(main).resolve()),
        )


def run_chunk(chunk: Chunk, site: Site) -> Piece | Stop:
    """Extract a chunk on this node; never raises but when the task is cancelled.

    A task that outlives its run ends within PROGRESS_S seconds: it cannot write its note.
    """
    try:
        pool = _pool_of(site)
        work = site.work / f"{chunk.name}-{secrets.token_hex(4)}"
        work.mkdir()
        with TemporaryDirectory(prefix=f"{_MARKERS}{os.getpid()}-") as markers:
            engine = LocalEngine(
                site.extractor,
                pool,
                work=work,
                markers=Path(markers),
                timeout_s=site.timeout_s,
            )
            engine.submit(chunk)
            noted = time.monotonic()
            while True:
                for _, piece in engine.finished():
                    return piece
                if time.monotonic() - noted > PROGRESS_S:
                    noted = time.monotonic()
                    progress_file(site.work, chunk).write_text(str(engine.progress()))
    except Exception as error:
        _forget_pool()
        stop = Stop.of(error)
        return Stop(stop.kind, f"On node {gethostname()}: {stop.message}")
    except BaseException:
        _forget_pool()
        raise


def progress_file(work: Path, chunk: Chunk) -> Path:
    """Where a chunk's worker notes how many of its inputs are done."""
    return work / f"{chunk.name}.done"


_kept: tuple[Site, LocalPool] | None = None


def _pool_of(site: Site) -> LocalPool:
    """This Ray worker's pool, made anew for another run."""
    global _kept
    if _kept is None or _kept[0] != site:
        _forget_pool()
        _settle_in(site)
        _clear_markers()
        # what else is on the machine is Ray's business: it places tasks by memory
        pool = LocalPool(
            workers=1,
            timeout_s=site.timeout_s,
            memory_bytes=site.memory_bytes,
            preload=[site.preload],
        )
        _kept = site, pool
    return _kept[1]


def _forget_pool() -> None:
    global _kept
    if _kept is not None:
        _kept[1].stop()
        _kept = None


def _clear_markers() -> None:
    """Remove the markers of Ray workers that were killed on this node."""
    for path in Path(gettempdir()).glob(f"{_MARKERS}*"):
        process = path.name.removeprefix(_MARKERS).partition("-")[0]
        if process.isdecimal() and not alive(int(process)):
            shutil.rmtree(path, ignore_errors=True)


def _settle_in(site: Site) -> None:
    """Make this process as like to the run's as its pool's processes would find that."""
    if not site.work.is_dir():
        raise UsageError(
            f"{site.work.parents[2]} is not there; the output, the inputs and your own files must "
            "be on storage that every node mounts at the same place."
        )
    try:
        os.chdir(site.folder)
    except OSError as error:
        raise UsageError(
            f"{site.folder} is not there ({error.strerror}); run the command in a folder that "
            "every node has."
        ) from error
    sys.path += [path for path in site.import_path if path not in sys.path]
    # The pool's processes import what __main__ says it was read from. Here that is Ray's own
    # program, which they have no use for; the run's script they need for a class that is in it.
    sys.modules["__main__"].__file__ = site.script
