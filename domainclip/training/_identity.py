"""Whether checkpoints are those of the run that is called again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from domainclip.errors import OutputInUse
from domainclip.training.settings import TrainerSettings

__all__ = ["identity_of", "refuse_other_run"]

_HOW = ("ranks", "data.batch_size")  # that may change, the second with the first
# of the data's options: where the pairs lie, how they are fetched, and what is measured on them
_FREE = ("pairs", "extract", "workers", "memory_mb", "views")


def identity_of(
    settings: TrainerSettings,
    objective: Any,
    adapter: Any,
    backbone: Any,
    data: Any,
    *,
    seed: int,
    ranks: int,
    class_text: tuple[Sequence[str], Sequence[str]],
    long: Any,
    shapes: Mapping[str, Sequence[int]],
) -> dict[str, Any]:
    """What two attempts of one run have in common, but for what ``_HOW`` names."""
    weights_hash = getattr(backbone, "weights_hash", None)
    trainer = {n: v for n, v in asdict(settings).items() if n not in ("devices", "strategy")}
    options = getattr(data, "options", None)
    of_data = asdict(options) if options is not None else {}
    return {
        "backbone": weights_hash() if weights_hash is not None else "",
        "data": data.samples(0),
        "trainer": repr(sorted(trainer.items())),
        "objective": repr(objective),
        "adapter": _named(adapter),
        "seed": seed,
        "shapes": {name: list(shape) for name, shape in shapes.items()},
        "ranks": ranks,
        **{f"data.{n}": json.dumps(v, sort_keys=True, default=repr)
           for n, v in of_data.items() if n not in _FREE},
        "data.batch_size": data.batch_size,
        "data seed": getattr(data, "seed", None),
        "classes": list(class_text[0]),
        "templates": list(class_text[1]),
        "text": _named(long),
    }  # fmt: skip


def refuse_other_run(found: Mapping[str, Any], wanted: Mapping[str, Any], out: Path) -> None:
    """Raises OutputInUse for the identity of another run, by the names of what differs."""
    free = _HOW if found.get("ranks") != wanted["ranks"] else ()
    different = [n for n in wanted if n not in free and found.get(n) != wanted[n]]
    if different:
        raise OutputInUse(
            f"{out / 'checkpoints'}: belongs to a run with other settings "
            f"({', '.join(different)}); choose another output, or delete it to start anew."
        )


def _named(part: Any) -> str:
    """With its options, where it tells them."""
    return repr(part) if is_dataclass(part) else type(part).__name__
