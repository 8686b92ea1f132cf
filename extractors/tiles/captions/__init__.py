"""Sentences from the facts of a tile, in several languages; templates are files a user can edit."""

from __future__ import annotations

from .templates import LANGUAGES, Templates, read_templates
from .writing import captions_of

__all__ = ["LANGUAGES", "Templates", "captions_of", "read_templates"]
