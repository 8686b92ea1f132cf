"""pydicom without its warnings and log lines: they hold values of headers, and go to a terminal."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from pydicom import config

__all__ = ["quiet"]

_LOGGERS = ("pydicom", "pylibjpeg", "openjpeg", "libjpeg", "PIL", "pypdf", "nibabel")
_inside = False  # it is entered for every frame, from within itself, and costs a render a third


@contextmanager
def quiet() -> Iterator[None]:
    """Inside, nothing that a library says of a file reaches stderr or a log; values that break
    rules of their VR are read as they stand. Of one thread at a time."""
    global _inside
    if _inside:
        yield
        return
    reading, writing = (
        config.settings.reading_validation_mode,
        config.settings._writing_validation_mode,
    )
    levels = [(logging.getLogger(name), logging.getLogger(name).level) for name in _LOGGERS]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        config.settings.reading_validation_mode = config.IGNORE
        config.settings.writing_validation_mode = config.IGNORE
        _inside = True
        for logger, _ in levels:
            logger.setLevel(logging.CRITICAL + 1)
        try:
            yield
        finally:
            _inside = False
            for logger, level in levels:
                logger.setLevel(level)
            config.settings.reading_validation_mode = reading
            config.settings._writing_validation_mode = writing
