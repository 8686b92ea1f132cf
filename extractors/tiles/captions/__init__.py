"""Sentences from the facts of a tile, in several languages; templates are files a user can edit."""
