"""Extraction: what an extractor is, and the engine that runs one over any number of inputs."""

from __future__ import annotations

from domainclip.extraction.engine import run_extraction
from domainclip.extraction.protocol import Extractor, Source
from domainclip.extraction.summary import Summary

__all__ = ["Extractor", "Source", "Summary", "run_extraction"]
