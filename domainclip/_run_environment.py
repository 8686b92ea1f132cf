"""What a run ran on: versions and hardware, and nothing that tells whose machine it was."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

__all__ = ["environment", "homeless"]

_PACKAGES = (
    "domainclip", "torch", "torchvision", "open_clip_torch", "timm", "transformers", "peft",
    "lightning", "numpy", "scikit-learn", "pyarrow", "pillow",
)  # fmt: skip


def environment(device: torch.device) -> dict[str, str]:
    """Names and values, as text."""
    found = {"python": platform.python_version(), "system": _system()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    found["processor"] = _processor()
    found["cores"] = str(_cores())
    found["threads"] = str(torch.get_num_threads())
    found["device"] = device.type
    if device.type == "cuda":
        found["gpu"] = torch.cuda.get_device_name(device)
        found["cuda"] = str(torch.version.cuda)
    return found


def homeless(text: str) -> str:
    """The text without the path of the user's home."""
    home = str(Path.home())
    return text.replace(home, "~") if len(home) > 1 else text


def _system() -> str:
    return f"{platform.system()} {platform.machine()}"


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return platform.processor() or platform.machine()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()
