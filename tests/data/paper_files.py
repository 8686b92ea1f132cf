"""Where the real papers lie, for the tests that use them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

__all__ = ["papers_folder"]

_FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "papers"


def papers_folder() -> Path:
    """The folder of real papers; skips the test where there is none, and fails it under CI."""
    if not _FOLDER.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"{_FOLDER} is absent")
        pytest.skip(f"no real papers at {_FOLDER}")
    return _FOLDER
