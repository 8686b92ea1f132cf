"""Lines of scanned pages by OCR, where Tesseract is installed; else the page says what it lacks.

Tesseract runs as a program of its own, not inside MuPDF (which has it too): there it neither finds
pages that lie on their side nor tells how sure it is, and a crash or a hang would take this process
along. https://tesseract-ocr.github.io/tessdoc/Command-Line-Usage.html
"""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from io import BytesIO
from typing import Any

import pymupdf
from lxml import etree
from PIL import Image

from domainclip.errors import UsageError, nearest

from .page import Line, Page, Rect

__all__ = ["NEEDS_OCR", "is_scanned", "ocr_languages", "recognised"]

# the word that ``Page.problem`` begins with, where OCR would have been needed
NEEDS_OCR = "needs_ocr"

_LETTERS = 40  # fewer on a page are a stamp or a page number, not its text
_COVERED = 0.7  # of the page by images: scans have margins, and come in strips
_MAX_PX = 6000  # longer side of what Tesseract sees: A4 at 500 dpi
_SURE = 30.0  # per cent: words that Tesseract is less sure of are specks and lines of drawings
_DOUBTFUL = 60.0  # per cent: a mean over a page's words below this has a cause
# hOCR's textangle, counter-clockwise -> reading direction, y downwards
_DIRECTIONS = {0: (1.0, 0.0), 90: (0.0, -1.0), 180: (-1.0, 0.0), 270: (0.0, 1.0)}
_FONT = "OCR"
_PARSER = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, load_dtd=False)


def is_scanned(page: Page) -> bool:
    """Whether images cover the page and no text lies on or under them, hidden or not."""
    if sum(len(line.text) for line in page.lines) >= _LETTERS:
        return False
    covered = sum(_area(raster.box, page.width, page.height) for raster in page.rasters)
    return covered >= _COVERED * page.width * page.height > 0


@lru_cache
def ocr_languages() -> tuple[str, ...]:
    """The languages that Tesseract is installed for ("eng", "deu"); none: it is not installed."""
    program = shutil.which("tesseract")
    if program is None:
        return ()
    words = [program, "--list-langs"]
    try:
        listed = subprocess.run(words, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return ()
    # a heading, then one a line
    return tuple(line.strip() for line in listed.stdout.splitlines()[1:] if line.strip())


def recognised(
    document: Any, page: Page, *, language: str = "eng", dpi: int = 300, timeout_s: float = 120.0
) -> Page:
    """The page with the lines that OCR reads on it, where it is scanned; else the page itself.

    language: Tesseract's codes, joined by +. Where it cannot be read (no Tesseract, it fails or
    takes longer than timeout_s), ``problem`` begins with NEEDS_OCR and goes on with a sentence that
    says what to do. Raises UsageError for a language that is not installed.
    """
    if not is_scanned(page):
        return page
    known = ocr_languages()
    if not known:
        return _unread(page, "it is scanned and has no text; install Tesseract to have it read "
                       "(apt install tesseract-ocr, brew install tesseract)")  # fmt: skip
    for each in language.split("+"):
        if each not in known:
            raise UsageError(
                f"OCR language {each!r} is not installed.{nearest(each, known)} Installed: "
                f"{', '.join(known)}; more by apt install tesseract-ocr-LANGUAGE."
            )
    try:
        shown = document[page.number]
        scale = min(dpi / 72, _MAX_PX / max(page.width, page.height))
        pixmap = shown.get_pixmap(
            matrix=pymupdf.Matrix(scale, scale), colorspace=pymupdf.csGRAY, annots=False
        )
        lines = _read(pixmap, language, scale, timeout_s)
    except subprocess.TimeoutExpired:
        return _unread(page, f"Tesseract took longer than {timeout_s:g} s")
    except Exception as error:  # MuPDF and Tesseract fail in many ways; the page is unread in all
        return _unread(page, f"it cannot be read ({' '.join(str(error).split())[:120]})")
    return replace(page, lines=tuple(lines))


def _unread(page: Page, why: str) -> Page:
    problem = f"{NEEDS_OCR}: page {page.number + 1}: {why}."
    return replace(page, problem="; ".join(filter(None, [problem, page.problem])))


def _read(pixmap: Any, language: str, scale: float, timeout_s: float) -> list[Line]:
    dpi = round(scale * 72)
    hocr = _tesseract(pixmap.tobytes("png"), language, dpi, timeout_s)
    lines, sure = list(_lines(hocr, scale)), _confidence(hocr)
    if sure >= _DOUBTFUL:
        return lines
    # with little text Tesseract does not notice that the page stands on its head
    image = Image.frombytes("L", (pixmap.width, pixmap.height), pixmap.samples)
    buffer = BytesIO()
    image.transpose(Image.Transpose.ROTATE_180).save(buffer, "PNG", compress_level=1)
    hocr = _tesseract(buffer.getvalue(), language, dpi, timeout_s)
    if _confidence(hocr) <= sure:
        return lines
    width, height = pixmap.width / scale, pixmap.height / scale
    return [_on_its_head(line, width, height) for line in _lines(hocr, scale)]


def _on_its_head(line: Line, width: float, height: float) -> Line:
    x0, y0, x1, y1 = line.box
    box = (width - x1, height - y1, width - x0, height - y0)
    return replace(line, box=box, direction=(-line.direction[0], -line.direction[1]))


def _tesseract(png: bytes, language: str, dpi: int, timeout_s: float) -> bytes:
    """hOCR of a picture. Raises OSError, subprocess.SubprocessError."""
    # 1: find the layout and which way up the page is; 3: the layout only
    mode = "1" if "osd" in ocr_languages() else "3"
    words = ["tesseract", "stdin", "stdout", "-l", language, "--psm", mode, "--dpi", str(dpi)]
    done = subprocess.run(
        [*words, "hocr"],
        input=png,
        capture_output=True,
        timeout=timeout_s,
        check=True,
        # one core: the pages beside it are read by other workers
        env={**os.environ, "OMP_THREAD_LIMIT": "1"},
    )
    return done.stdout


def _confidence(hocr: bytes) -> float:
    """The mean over words, in per cent; 0 without words."""
    sure = [float(word) for word in re.findall(rb"x_wconf (\d+)", hocr)]
    return statistics.fmean(sure) if sure else 0.0


def _lines(hocr: bytes, scale: float) -> Iterator[Line]:
    """Lines with at least one word that Tesseract is sure of. scale: pixels a point."""
    root = etree.fromstring(hocr, _PARSER)
    if root is None:
        return
    classes = ("ocr_line", "ocr_caption", "ocr_header", "ocr_textfloat")
    blocks: dict[Any, int] = {}
    for node in root.iter("{*}span"):
        if node.get("class") not in classes:
            continue
        words = [word for word in node if "".join(word.itertext()).strip()]
        sure = [word for word in words if _number(word.get("title", ""), "x_wconf", 0) >= _SURE]
        if not sure:
            continue
        title = node.get("title", "")
        boxes = [_box(word.get("title", "")) for word in sure]
        area = next((up for up in node.iterancestors() if up.get("class") == "ocr_carea"), None)
        angle = round(_number(title, "textangle", 0)) % 360
        # x_size is a line's height from descenders to ascenders; letters are set 0.9 as large
        size = 0.9 * _number(title, "x_size", _height(boxes, angle)) / scale
        yield Line(
            " ".join("".join(word.itertext()).strip() for word in sure),
            (
                min(box[0] for box in boxes) / scale,
                min(box[1] for box in boxes) / scale,
                max(box[2] for box in boxes) / scale,
                max(box[3] for box in boxes) / scale,
            ),
            _FONT,
            size,
            False,
            _DIRECTIONS.get(angle, (1.0, 0.0)),
            blocks.setdefault(area, len(blocks)),
            _FONT,
            size,
            False,
        )


def _box(title: str) -> Rect:
    found = re.search(r"bbox (-?\d+) (-?\d+) (-?\d+) (-?\d+)", title)
    x0, y0, x1, y1 = map(float, found.groups()) if found else (0.0, 0.0, 0.0, 0.0)
    return x0, y0, x1, y1


def _height(boxes: list[Rect], angle: int) -> float:
    across = 0 if angle in (90, 270) else 1
    return statistics.median(box[across + 2] - box[across] for box in boxes)


def _number(title: str, name: str, default: float) -> float:
    found = re.search(rf"\b{name} (-?[\d.]+)", title)
    return float(found.group(1)) if found else default


def _area(box: Rect, width: float, height: float) -> float:
    wide = min(box[2], width) - max(box[0], 0.0)
    high = min(box[3], height) - max(box[1], 0.0)
    return wide * high if wide > 0 and high > 0 else 0.0
