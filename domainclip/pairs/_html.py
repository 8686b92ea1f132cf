"""Pages of a single file: a template and the one script that its policy lets run."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

__all__ = ["page_of"]


def page_of(name: str, values: Mapping[str, Any]) -> str:
    """``<name>.html.j2`` of this folder filled with values, which are escaped unless they are
    Markup, and with ``script``, ``<name>.js.txt``, and ``digest``, its SHA-256 in base64."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    folder = files("domainclip.pairs")
    script = folder.joinpath(f"{name}.js.txt").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    template = folder.joinpath(f"{name}.html.j2").read_text(encoding="utf-8")
    return environment.from_string(template).render(values, script=Markup(script), digest=digest)
