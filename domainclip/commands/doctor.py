"""Say what this installation can do: versions, extras, devices, cache and free disk."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from domainclip import __version__
from domainclip.errors import install_command

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print a JSON object")


def run(arguments: argparse.Namespace) -> int:
    cache = Path(os.environ.get("DOMAINCLIP_CACHE", Path.home() / ".cache" / "domainclip"))
    facts: dict[str, object] = {
        "domainclip": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processors": os.cpu_count() or 1,
        "devices": _devices(),
        "cache": str(cache),
        "free_disk_gb": round(shutil.disk_usage(_existing(cache)).free / 1e9, 1),
    }
    extras = {extra: _missing(extra) for extra in _extras()}
    if arguments.json:
        print(json.dumps({**facts, "missing_by_extra": extras}, indent=2))
        return 0
    for name, value in facts.items():
        print(f"{name:<14}{value}")
    print("\nextras:")
    for extra, missing in extras.items():
        state = "ready" if not missing else f"missing {', '.join(missing)}"
        remedy = "" if not missing else f"; {install_command(extra)}"
        print(f"  {extra:<10}{state}{remedy}")
    return 0


def _devices() -> str:
    try:
        import torch
    except ModuleNotFoundError:
        return f"no torch; {install_command('train')}"
    found = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        found.append("mps")
    return ", ".join([*found, f"cpu ({torch.get_num_threads()} threads)"])


def _requirements() -> list[tuple[str, list[str], str]]:
    """(package, the extras asked of it, the extra of ours or "") for every requirement."""
    pattern = re.compile(
        r"""^([\w.\-]+)(?:\[([\w,\- ]+)\])?.*?(?:;.*extra\s*==\s*['"]([\w-]+)['"])?$"""
    )
    found = []
    for line in requires("domainclip") or []:
        match = pattern.match(line)
        if match:
            nested = [name.strip() for name in (match[2] or "").split(",") if name.strip()]
            found.append((match[1], nested, match[3] or ""))
    return found


def _extras() -> list[str]:
    return sorted({extra for *_, extra in _requirements() if extra})


def _missing(extra: str) -> list[str]:
    """Packages of an extra that are not installed, each once."""
    missing: list[str] = []
    for package, nested, of in _requirements():
        if of != extra:
            continue
        if package == "domainclip":  # domainclip[train] inside another extra
            missing += [name for inner in nested for name in _missing(inner)]
            continue
        try:
            version(package)
        except PackageNotFoundError:
            missing.append(package)
    return list(dict.fromkeys(missing))


def _existing(path: Path) -> Path:
    while not path.exists() and path != path.parent:
        path = path.parent
    return path
