"""Curation: filters that decide over columns, one per file, and what applies them to pairs."""

from __future__ import annotations

from domainclip.curation._protocol import Decision, Filter
from domainclip.curation.apply import CurationReport, curate

__all__ = ["CurationReport", "Decision", "Filter", "curate"]
