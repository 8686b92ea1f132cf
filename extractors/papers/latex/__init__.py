"""LaTeX sources as articles; TeX is never run."""
