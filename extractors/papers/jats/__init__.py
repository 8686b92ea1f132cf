"""JATS XML as articles."""
