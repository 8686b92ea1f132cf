"""Figures and captions of PDF pages, by what the pages hold."""
