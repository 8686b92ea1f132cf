"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    # workers share the cores: more threads than cores make torch wait for itself
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# They compare with closed forms in float32; on a GPU features are computed in bfloat16, and
# benchmarks/gpu_methods.py looks at that. Set it to run them there all the same.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real third-party files that are not part of the project: skip without them, but not in CI."""
    if not SHARED_DATA.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"{SHARED_DATA} is absent, and CI must run the tests on real data")
        pytest.skip("the shared data folder is not beside this checkout")
    return SHARED_DATA
