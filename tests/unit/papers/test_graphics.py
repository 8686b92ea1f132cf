"""Which file a LaTeX name means, and its picture."""

from __future__ import annotations

import gzip
import io
import os
import stat
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from domainclip.errors import BadInput
from domainclip.extractors.papers.graphics import graphic_file, picture_of_graphic
from domainclip.extractors.papers.records import Graphic

pymupdf = pytest.importorskip("pymupdf")


def encoded(kind: str, size: tuple[int, int] = (30, 20)) -> bytes:
    pixels = np.arange(size[0] * size[1] * 3, dtype=np.uint8).reshape(size[1], size[0], 3)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def a_pdf(pages: int = 1) -> bytes:
    """Pages of 100 x 50 points: left half red, lower right quarter blue."""
    with pymupdf.open() as document:
        for _ in range(pages):
            page = document.new_page(width=100, height=50)
            page.draw_rect(pymupdf.Rect(0, 0, 50, 50), color=None, fill=(1, 0, 0))
            page.draw_rect(pymupdf.Rect(50, 25, 100, 50), color=None, fill=(0, 0, 1))
        return bytes(document.tobytes())


def shown(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


@pytest.mark.parametrize(
    ("href", "files", "expected"),
    [
        ("a", ["a.pdf", "a.eps"], "a.pdf"),
        ("a", ["a.eps", "a.jpg"], "a.jpg"),
        ("a.png", ["a.png", "a.pdf"], "a.png"),
        ("a.eps", ["a.eps", "a.pdf"], "a.pdf"),
        ("a.eps", ["a-eps-converted-to.pdf", "a.eps"], "a-eps-converted-to.pdf"),
        ("a.eps", ["a.eps", "a.png"], "a.eps"),
        ("a.eps", ["a.png"], "a.png"),
        ("a.pdf", ["a.eps"], "a.eps"),
        ("A.PNG", ["a.png"], "a.png"),
        ("Figs/a", ["figs/A.JPG"], "figs/A.JPG"),
        ("a", ["a.PDF"], "a.PDF"),
        ("fig1.2", ["fig1.2.pdf"], "fig1.2.pdf"),
        ("fig.v2.png", ["fig.v2.png"], "fig.v2.png"),
        ("./x/../a", ["a.png"], "a.png"),
        ("x/a", ["y/a.png"], "y/a.png"),
        ("x/a", ["y/a.png", "z/a.png"], None),
        ("a", ["b.png"], None),
        ("../a", ["a.png"], None),
        ("/etc/a", ["etc/a.png", "a.png"], None),
        ("a.pdf_tex", ["a.pdf", "a.pdf_tex"], "a.pdf"),
        ("a.eps.gz", ["a.eps.gz"], "a.eps.gz"),
        ("a", ["a"], "a"),
        ("x/a.svg", ["x/a.pdf", "svg-inkscape/a_svg-tex.pdf"], "svg-inkscape/a_svg-tex.pdf"),
        ("", ["a.png"], None),
    ],
)
def test_names_find_files(href: str, files: list[str], expected: str | None) -> None:
    assert graphic_file(Graphic(href), files) == expected


def test_graphics_paths_come_after_the_top() -> None:
    files = ["figs/a.png", "a.png", "other/b.png"]
    assert graphic_file(Graphic("a"), files, ["figs/"]) == "a.png"
    assert graphic_file(Graphic("b"), files, ["figs", "./other"]) == "other/b.png"


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_png_and_jpeg_are_kept_byte_for_byte(kind: str) -> None:
    data = encoded(kind)
    picture = picture_of_graphic(Graphic("a"), data, "a")
    assert (picture.data, picture.format, picture.how) == (data, kind, "original")
    assert (picture.width, picture.height) == (30, 20)


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "WEBP", "BMP"])
def test_other_rasters_become_png_without_loss(kind: str) -> None:
    data = encoded(kind)
    picture = picture_of_graphic(Graphic("a"), data, "a.x")
    assert (picture.format, picture.how) == ("PNG", "original")
    assert np.array_equal(shown(picture.data), shown(data))


def test_a_pdf_is_drawn_at_the_resolution_within_the_bound() -> None:
    picture = picture_of_graphic(Graphic("a"), a_pdf(), "a.pdf", dpi=144)
    assert (picture.width, picture.height, picture.how) == (200, 100, "rendered")
    assert shown(picture.data).getpixel((20, 50)) == (255, 0, 0)
    assert shown(picture.data).getpixel((150, 20)) == (255, 255, 255)
    small = picture_of_graphic(Graphic("a"), a_pdf(), "a.pdf", dpi=7200, max_px=300)
    assert max(small.width, small.height) <= 300


def test_trim_page_and_angle_of_a_pdf() -> None:
    right = Graphic("a", page=1, trim=(50, 0, 0, 25))
    picture = picture_of_graphic(right, a_pdf(2), "a.pdf", dpi=72)
    assert (picture.width, picture.height) == (50, 25)
    assert shown(picture.data).getpixel((25, 12)) == (0, 0, 255)
    turned = picture_of_graphic(Graphic("a", angle=90), a_pdf(), "a.pdf", dpi=72)
    assert (turned.width, turned.height) == (50, 100)
    assert shown(turned.data).getpixel((25, 80)) == (255, 0, 0)  # the left went down
    with pytest.raises(BadInput, match="page 3"):
        picture_of_graphic(Graphic("a", page=2), a_pdf(2), "a.pdf")
    whole = picture_of_graphic(Graphic("a", trim=(90, 0, 90, 0)), a_pdf(), "a.pdf", dpi=72)
    assert whole.width == 100
    assert "trim" in whole.note


def test_svg_is_drawn() -> None:
    svg = (
        b'<svg xmlns="http://www.w3.org/2000/svg" width="100" height="50">'
        b'<rect width="50" height="50" fill="red"/></svg>'
    )
    picture = picture_of_graphic(Graphic("a"), svg, "a.svg", dpi=96)
    assert picture.width == pytest.approx(2 * picture.height, abs=2)
    assert shown(picture.data).getpixel((10, 10)) == (255, 0, 0)


@pytest.mark.parametrize(
    "data",
    [b"", b"nothing", b"%PDF-1.5 cut", encoded("PNG")[:60], b"<svg", b"\x1f\x8bxx", a_pdf()[:60]],
)
def test_what_cannot_be_shown_is_one_sentence(data: bytes) -> None:
    with pytest.raises(BadInput, match=r"^fig\.x: .*\.$"):
        picture_of_graphic(Graphic("a"), data, "fig.x")


EPS = (
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 10 10 110 60\n"
    b"1 0 0 setrgbcolor 10 10 100 50 rectfill showpage\n"
)


def dos_eps(tiff: bytes) -> bytes:
    """A DOS EPS file: a header of 30 bytes, the program, a TIFF preview."""
    return (
        struct.pack(
            "<4s6IH", b"\xc5\xd0\xd3\xc6", 30, len(EPS), 0, 0, 30 + len(EPS), len(tiff), 65535
        )
        + EPS
        + tiff
    )


@pytest.fixture
def without_ghostscript(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


def test_postscript_without_ghostscript_names_the_remedy(without_ghostscript: None) -> None:
    with pytest.raises(BadInput, match=r"a\.eps: .*Ghostscript.*gs"):
        picture_of_graphic(Graphic("a"), EPS, "a.eps")


def test_previews_of_postscript(without_ghostscript: None) -> None:
    tiff = encoded("TIFF")
    picture = picture_of_graphic(Graphic("a"), dos_eps(tiff), "a.eps")
    assert np.array_equal(shown(picture.data), shown(tiff))
    assert "preview" in picture.note
    bitmap = EPS + b"%%BeginPreview: 8 2 1 2\n% 80\n% FF\n%%EndPreview\n"
    dots = np.asarray(shown(picture_of_graphic(Graphic("a"), bitmap, "a.epsi").data))[..., 0]
    assert dots.tolist() == [[0] + [255] * 7, [0] * 8]
    grey = EPS + b"%%BeginPreview: 2 1 4 1\n% 0F\n%%EndPreview\n"
    dots = np.asarray(shown(picture_of_graphic(Graphic("a"), grey, "a.epsi").data))[..., 0]
    assert dots.tolist() == [[255, 0]]
    with pytest.raises(BadInput, match="Ghostscript"):
        picture_of_graphic(Graphic("a"), dos_eps(tiff[:9]), "a.eps")


def stand_in(folder: Path, code: str) -> None:
    """A program ``gs`` of ours, run by this Python."""
    program = folder / "gs"
    program.write_text(f"#!{sys.executable}\nimport sys, os\n{code}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


def test_ghostscript_is_called_safely(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    site = os.pathsep.join(sys.path)
    stand_in(
        tmp_path,
        f"sys.path[:0] = {site!r}.split(os.pathsep)\n"
        "from PIL import Image\n"
        "assert {'-dSAFER', '-dBATCH', '-dNOPAUSE', '-dEPSCrop'} <= set(sys.argv), sys.argv\n"
        "assert sorted(os.listdir()) == ['in.eps'] and os.environ['HOME'] == os.getcwd()\n"
        "assert open('in.eps', 'rb').read(4) == b'%!PS'\n"
        "dpi = float(next(a for a in sys.argv if a.startswith('-r'))[2:])\n"
        "Image.new('RGB', (round(100 * dpi / 72), round(50 * dpi / 72)), 'red').save('out.png')",
    )
    monkeypatch.setenv("PATH", str(tmp_path))
    for data in (EPS, gzip.compress(EPS), dos_eps(encoded("TIFF"))):
        picture = picture_of_graphic(Graphic("a"), data, "a.eps", dpi=144)
        assert (picture.width, picture.height, picture.how) == (200, 100, "rendered")
    trimmed = Graphic("a", trim=(50, 0, 0, 25), angle=90)
    picture = picture_of_graphic(trimmed, EPS, "a.eps", dpi=72)
    assert (picture.width, picture.height) == (25, 50)
    small = picture_of_graphic(Graphic("a"), EPS, "a.eps", dpi=7200, max_px=50)
    assert (small.width, small.height) == (50, 25)
    assert "50 pixels" in small.note


@pytest.mark.parametrize("code", ["sys.exit(1)", "pass", "open('out.png', 'w').write('no')"])
def test_ghostscript_that_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str) -> None:
    stand_in(tmp_path, code)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BadInput, match="cannot draw it"):
        picture_of_graphic(Graphic("a"), EPS, "a.eps")
