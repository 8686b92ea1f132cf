"""PostScript figures: drawn by Ghostscript where it is installed, else their own previews.

PostScript is a program from a stranger. Ghostscript runs it with -dSAFER (no files but the one
given, no commands), in an empty folder of its own, with bounded time, memory and pixels.
"""

from __future__ import annotations

import math
import re
import shutil
import struct
import subprocess
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from domainclip.errors import BadInput
from domainclip.images.encoded import decoded, encode

from ._drawn import turned
from .pdf.pictures import Picture
from .records import Graphic

__all__ = ["drawn_postscript", "preview"]

_TIMEOUT_S = 30
_MAX_BYTES = 64 << 20
_MEMORY_KB = 1_500_000
_DOS_EPS = b"\xc5\xd0\xd3\xc6"
_BOX = re.compile(
    rb"^%%(HiRes)?BoundingBox:\s*(-?\d{1,7}(?:\.\d+)?)\s+(-?\d{1,7}(?:\.\d+)?)\s+"
    rb"(-?\d{1,7}(?:\.\d+)?)\s+(-?\d{1,7}(?:\.\d+)?)",
    re.M,
)
_EPSI = re.compile(rb"^%%BeginPreview:\s*(\d{1,5})\s+(\d{1,5})\s+([1248])\s+\d{1,6}\s*$", re.M)


def drawn_postscript(
    graphic: Graphic, data: bytes, filename: str, *, dpi: int, max_px: int
) -> Picture | None:
    """The first page as Ghostscript draws it; None where no program ``gs`` is installed.

    Raises BadInput: damaged, out of time or memory.
    """
    program = shutil.which("gs")
    if program is None:
        return None
    data = _program(data, filename)
    width, height = _size(data)
    note = ""
    longer = max(width, height)
    if longer * dpi / 72 > max_px:
        note = f"drawn at {72 * max_px / longer:.0f} dpi, not {dpi}: at most {max_px} pixels"
    resolution = min(float(dpi), 72 * max_px / longer)
    with TemporaryDirectory(prefix="domainclip-") as folder:
        source, result = Path(folder, "in.eps"), Path(folder, "out.png")
        source.write_bytes(data)
        command = [
            program, "-q", "-dSAFER", "-dBATCH", "-dNOPAUSE", "-dNOPROMPT", "-dEPSCrop",
            "-dFirstPage=1", "-dLastPage=1", "-sDEVICE=png16m", f"-r{resolution:.3f}",
            "-dTextAlphaBits=4", "-dGraphicsAlphaBits=4", f"-K{_MEMORY_KB}",
            "-sOutputFile=out.png", "in.eps",
        ]  # fmt: skip
        try:
            subprocess.run(
                command, cwd=folder, timeout=_TIMEOUT_S, check=True, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env={"PATH": str(Path(program).parent), "HOME": folder, "TMPDIR": folder},
            )  # fmt: skip
            image = decoded(result.read_bytes())
        except subprocess.TimeoutExpired as error:
            raise BadInput(
                f"{filename}: Ghostscript was not done after {_TIMEOUT_S} s; save it as PDF."
            ) from error
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
            raise BadInput(f"{filename}: Ghostscript cannot draw it; save it as PDF.") from error
        kept = result.read_bytes()
    if max(image.size) > max_px + 1:  # its page is larger than its bounding box says
        image.thumbnail((max_px, max_px))
        kept = encode(image)
    picture = Picture(kept, "PNG", *image.size, "rendered", note)
    return turned(_trimmed(picture, graphic, resolution), graphic.angle)


def preview(data: bytes, filename: str) -> Picture:
    """The picture that an EPS brings along for screens: a TIFF, or EPSI's bitmap.

    Raises BadInput where it has none, and names the remedy.
    """
    image = None
    if data[:4] == _DOS_EPS and len(data) >= 30:
        start, length = struct.unpack("<II", data[20:28])
        if length:
            try:
                image = decoded(data[start : start + length])
            except ValueError:
                image = None  # a damaged preview is none
    if image is None:
        image = _epsi(data)
    if image is None:
        raise BadInput(
            f"{filename}: PostScript, which Ghostscript draws; install the program gs "
            "(apt install ghostscript), or put a PDF of the same name beside it."
        )
    if image.mode not in ("1", "L", "LA", "P", "RGB", "RGBA"):
        image = image.convert("RGB")
    note = "the file's own preview: no Ghostscript to draw it"
    return Picture(encode(image), "PNG", *image.size, "original", note)


def _program(data: bytes, filename: str) -> bytes:
    """The PostScript in a file: unzipped, without a DOS header and its previews."""
    if data[:2] == b"\x1f\x8b":
        try:
            data = zlib.decompressobj(31).decompress(data, _MAX_BYTES)
        except zlib.error as error:
            raise BadInput(f"{filename}: a damaged gzip file; get the source again.") from error
    if data[:4] == _DOS_EPS and len(data) >= 12:
        start, length = struct.unpack("<II", data[4:12])
        data = data[start : start + length]
    if len(data) >= _MAX_BYTES:
        raise BadInput(
            f"{filename}: more than {_MAX_BYTES >> 20} MB of PostScript; save it as PDF."
        )
    return data


def _size(data: bytes) -> tuple[float, float]:
    """Width and height in points by the bounding box; a letter page where it has none."""
    head = data[:50_000] + data[-20_000:]
    for found in _BOX.finditer(head):
        x0, y0, x1, y1 = (float(number) for number in found.groups()[1:])
        if x1 - x0 >= 1 and y1 - y0 >= 1:
            return x1 - x0, y1 - y0
    return 612.0, 792.0


def _trimmed(picture: Picture, graphic: Graphic, dpi: float) -> Picture:
    if graphic.trim is None:
        return picture
    left, bottom, right, top = (round(points * dpi / 72) for points in graphic.trim)
    box = (
        max(0, left),
        max(0, top),
        picture.width - max(0, right),
        picture.height - max(0, bottom),
    )
    if box[2] - box[0] < 1 or box[3] - box[1] < 1:
        return picture
    image = decoded(picture.data).crop(box)
    return Picture(encode(image), "PNG", *image.size, picture.how, picture.note)


def _epsi(data: bytes) -> Image.Image | None:
    """EPSI's bitmap: hexadecimal rows in comments, from the top, 0 is white (EPSF 3.0)."""
    found = _EPSI.search(data, 0, 100_000)
    if not found:
        return None
    width, height, depth = (int(number) for number in found.groups())
    end = data.find(b"%%EndPreview", found.end())
    if end < 0 or not 0 < width * height <= 1 << 24:
        return None
    digits = re.sub(rb"[^0-9A-Fa-f]", b"", data[found.end() : end])
    row = math.ceil(width * depth / 8)
    if len(digits) < 2 * row * height:
        return None
    rows = bytes.fromhex(digits[: 2 * row * height].decode())
    if depth == 1:
        return Image.frombytes("1", (width, height), rows, "raw", "1;I")
    if depth == 8:
        return Image.frombytes("L", (width, height), rows, "raw", "L;I")
    top = (1 << depth) - 1
    pixels = bytearray()
    for y in range(height):
        line = rows[y * row : (y + 1) * row]
        values = [(byte >> shift) & top for byte in line for shift in range(8 - depth, -1, -depth)]
        pixels += bytes(255 - value * 255 // top for value in values[:width])
    return Image.frombytes("L", (width, height), bytes(pixels))
