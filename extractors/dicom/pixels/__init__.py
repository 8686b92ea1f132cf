"""Pixels: decoded, repaired where a file is broken, and shown as the standard says."""
