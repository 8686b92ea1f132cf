"""Small made-up articles: JATS with image files, LaTeX sources, PDFs, and all of them as one."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pymupdf
from PIL import Image

__all__ = ["jats", "picture", "write_jats", "write_latex", "write_pdf"]

CC_BY = "https://creativecommons.org/licenses/by/4.0/"
WORDS = (
    "The cells were kept at thirty degrees and counted twice a day by the same observer, who did "
    "not know which of them had been treated. "
)


def picture(number: int, size: tuple[int, int] = (160, 120), form: str = "JPEG") -> bytes:
    """A coarse pattern; the same number gives the same bytes."""
    coarse = np.random.default_rng(number).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(coarse).resize(size, Image.Resampling.NEAREST).save(buffer, form, quality=90)
    return buffer.getvalue()


def jats(name: str, figures: int, *, license: str = CC_BY) -> str:
    """An article's XML: ``figures`` figures, each cited in a paragraph of its own."""
    floats = "".join(
        f'<fig id="F{n}"><label>Figure {n}</label><caption><title>{name} title {n}.</title>'
        f"<p>Growth of culture {n} over ten days.</p></caption>"
        f'<graphic xlink:href="{name}-g{n}"/></fig>'
        for n in range(1, figures + 1)
    )
    paragraphs = "".join(
        f'<p>As <xref ref-type="fig" rid="F{n}">Fig. {n}</xref> shows, culture {n} grew.</p>'
        for n in range(1, figures + 1)
    )
    return (
        '<?xml version="1.0"?><article xmlns:xlink="http://www.w3.org/1999/xlink" '
        'article-type="research-article" xml:lang="en"><front><article-meta>'
        f'<article-id pub-id-type="doi">10.1234/{name}</article-id>'
        f"<title-group><article-title>Cultures of {name}</article-title></title-group>"
        f'<permissions><license xlink:href="{license}"><license-p>Open.</license-p></license>'
        "</permissions><abstract><p>We grew cultures.</p></abstract></article-meta></front>"
        f"<body><sec><title>Results</title>{paragraphs}{floats}</sec></body></article>"
    )


def write_jats(folder: Path, name: str, figures: int = 2, **options: str) -> Path:
    """A folder with the XML and an image file for each figure."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.xml").write_text(jats(name, figures, **options), encoding="utf-8")
    for n in range(1, figures + 1):
        (folder / f"{name}-g{n}.jpg").write_bytes(picture(n))
    return folder


def write_pdf(path: Path, figures: int = 2, *, label: str = "Figure") -> Path:
    """A PDF of one page a figure: text, the picture, its caption, text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with pymupdf.open() as document:
        for n in range(1, figures + 1):
            page = document.new_page(width=595, height=842)
            page.insert_textbox((70, 60, 525, 260), WORDS * 8, fontsize=10)
            page.insert_image((170, 280, 425, 471), stream=picture(n, (320, 240)))
            caption = f"{label} {n}. Growth of culture {n} over ten days."
            page.insert_text((170, 490), caption, fontsize=8)
            page.insert_textbox((70, 520, 525, 780), WORDS * 9, fontsize=10)
        document.save(path)
    return path


def write_latex(folder: Path, figures: int = 2, *, tikz: bool = False) -> Path:
    """A source tree with the graphics in a folder of their own; tikz: the last figure has none."""
    (folder / "plots").mkdir(parents=True, exist_ok=True)
    floats = []
    for n in range(1, figures + 1):
        body = f"\\includegraphics[width=\\linewidth]{{plots/g{n}}}"
        if tikz and n == figures:
            body = "\\begin{tikzpicture}\\draw (0,0) -- (1,1);\\end{tikzpicture}"
        else:
            (folder / "plots" / f"g{n}.png").write_bytes(picture(n, form="PNG"))
        floats.append(
            f"Culture {n} grew (Figure~\\ref{{fig:{n}}}).\n\n\\begin{{figure}}{body}"
            f"\\caption{{Growth of culture {n} over ten days.}}\\label{{fig:{n}}}\\end{{figure}}\n"
        )
    text = "\n".join(floats)
    (folder / "main.tex").write_text(
        "\\documentclass{article}\\usepackage{graphicx}\\title{Cultures}\n"
        f"\\begin{{document}}\\maketitle\n{text}\\end{{document}}\n",
        encoding="utf-8",
    )
    return folder
