"""A backbone reads and sees as it did when its adapter was trained, as long as that is in it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from domainclip.backbones import Backbone
from domainclip.backbones._reading import Reading

__all__ = ["as_trained"]

_log = logging.getLogger(__name__)


def as_trained(
    adapter: Any,
    backbone: Backbone,
    description: Mapping[str, Any],
    reading: Reading | None,
    path: Path,
) -> None:
    """Let the backbone read long texts (None: as it does) and show pictures as a description says.

    ``eject`` puts back what was before, but for a way of reading that was chosen since; ``merge``
    leaves it, since the weights were trained so. Says when what the caller chose is changed.
    """
    before, showed = backbone.reading, backbone.whole
    if reading is not None:
        if before.chosen:
            _log.warning(
                "%s was trained with long texts read by %s, and they are now read so, no longer by "
                "%s as was chosen; call read_long again for another way.",
                path.parent, reading.said["name"], before.said["name"],
            )  # fmt: skip
        backbone.reading = reading
    if description.get("whole"):
        backbone.see_whole()
    if reading is None and backbone.whole == showed:
        return
    plain_eject, plain_merge = adapter.eject, adapter.merge

    def eject() -> None:
        plain_eject()
        adapter.eject, adapter.merge = plain_eject, plain_merge
        if backbone.reading is reading:
            backbone.reading = before
        if backbone.whole and not showed:
            backbone.preprocess = replace(backbone.preprocess, whole=False)

    def merge() -> None:
        adapter.eject = plain_eject  # which some adapters merge by
        try:
            plain_merge()
        except BaseException:
            adapter.eject = eject
            raise
        adapter.merge = plain_merge

    adapter.eject, adapter.merge = eject, merge
