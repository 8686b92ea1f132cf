"""Extractors: one package per kind of source; each ``__all__`` holds its Extractor class."""
