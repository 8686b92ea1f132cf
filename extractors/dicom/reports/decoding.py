"""Text of a report from its bytes: by its character set, and by what it is where that is wrong.

Declared sets are as often wrong as absent: UTF-8 under ISO_IR 100, Windows-1252 under any,
Shift-JIS or GB18030 under none. So the declared one is tried strictly, after UTF-8 where that
cannot be an accident, and a set is guessed only where nothing was declared. Source: DICOM PS3.5
section 6.1, PS3.3 C.12.1.1.2 (SpecificCharacterSet).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Sequence

from pydicom import charset

from ..quiet import quiet

__all__ = ["decode", "decode_file", "encodings_of", "mended", "tidy"]

# Whose bytes may be valid UTF-8 by accident ("联通" in GBK is the known one).
_WIDE = {"gb18030", "gbk", "gb2312", "shift_jis", "euc_kr", "euc_jp", "iso_ir_58"}
_LATIN = {"iso8859", "iso8859_1", "latin_1", "iso8859-1", "ascii", "cp1252"}
# Those that an escape sequence switches to (PS3.3 table C.12-3), tried where none is declared.
_ESCAPED = ("iso8859", "shift_jis", "iso2022_jp", "iso2022_jp_2", "euc_kr", "iso_ir_58")
_ESCAPE = b"\x1b"

_MOJIBAKE = re.compile("[\u00c2-\u00f4][\u0080-\u00bf\u0152-\u2122]")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\u200b\u2060\ufeff\ufffe]")
_HL7 = re.compile(r"\\(\.br|\.sp\d*|X0[DA](?:0A)?|[FSTRE])\\", re.IGNORECASE)
_HL7_SIGNS = {"F": "|", "S": "^", "T": "&", "R": "~", "E": "\\"}
# "~" divides repetitions and "^" components (HL7 v2.5 chapter 2.5.4); "~5 mm" and "10^3" are none.
_TILDES = re.compile(r"~{2,}|(?<=[.:;,!?])~(?=\S)|(?<=[^\W\d_])~(?=[A-Z])|~(?=\s*$)", re.MULTILINE)
_CARETS = re.compile(r"(?<=[^\W\d_]|[.,])\^+(?=[^\W\d_]|\s|$)|\^{2,}|^\^+", re.MULTILINE)


def encodings_of(terms: Iterable[str]) -> tuple[str, ...]:
    """Python codecs for the defined terms of a SpecificCharacterSet; () where it says none that is
    known. ``UTF-8``, ``ISO-IR 100`` and names of codecs are taken for what they mean."""
    found: list[str] = []
    for position, term in enumerate(str(each).strip() for each in terms):
        if not term:
            if position == 0:
                found.append("iso8859")  # an empty first value means ISO 646, extended by the next
            continue
        spelled = re.sub(r"[\s_-]+", " ", term.upper()).replace("ISO IR", "ISO_IR")
        codec = charset.python_encoding.get(spelled) or charset.python_encoding.get(term)
        if codec is None:
            try:
                codec = codecs.lookup(term.replace(" ", "_")).name
            except (LookupError, ValueError):
                continue
        found.append(codec.lower())
    return tuple(found) if found != ["iso8859"] else ()


def decode(raw: bytes, encodings: Sequence[str] = ()) -> str:
    """The text of a value, padding cut off. encodings: as of ``encodings_of``. Raises nothing: a
    byte that no set explains becomes U+FFFD."""
    raw = raw.rstrip(b"\0 ")
    if _ESCAPE in raw:
        return _decode_escaped(raw, encodings)
    if raw.isascii():
        return raw.decode("ascii")
    if not _WIDE & set(encodings):
        text = _strictly(raw, "utf_8")
        if text is not None:
            return mended(text)
    for codec in encodings:
        if codec in _LATIN:
            return _latin(raw)
        text = _strictly(raw, codec)
        if text is not None:
            return text
    return _guessed(raw)


def decode_file(data: bytes) -> str:
    """The text of a file that says its encoding by a byte order mark, or not at all."""
    for mark, codec in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            return data.decode(codec, "replace")
    head = data[:4096]
    if head.count(0) > len(head) // 4:  # UTF-16 without its mark: every second byte of Latin is 0
        return data.decode("utf-16-be" if head[::2].count(0) > head[1::2].count(0) else "utf-16-le",
                           "replace")  # fmt: skip
    return decode(data)


def mended(text: str) -> str:
    """``text``, or what it was before UTF-8 was read as Latin-1 (``Ã©`` for ``é``)."""
    if not _MOJIBAKE.search(text):
        return text
    for codec in ("latin_1", "cp1252"):
        try:
            return text.encode(codec).decode("utf-8")
        except UnicodeError:
            continue
    return text


def tidy(text: str) -> str:
    """``text`` with one kind of line end, no controls, single blanks, at most one empty line, and
    without what a message format left in it (HL7's escapes, repetition and component signs)."""
    if "\\" in text:
        text = _HL7.sub(lambda found: _HL7_SIGNS.get(found[1].upper(), "\n"), text)
    text = re.sub("\r\n|[\r\x0b\x0c\x85\u2028\u2029]", "\n", text)
    text = _CONTROLS.sub("", text)
    if "~" in text:
        text = _TILDES.sub("\n", text)
    if "^" in text:
        text = _CARETS.sub(" ", text)
    text = re.sub(r"[^\S\n]+", " ", text)
    return re.sub(r" ?\n ?", "\n", re.sub(r" ?\n(?: ?\n)+ ?", "\n\n", text)).strip()


def _strictly(raw: bytes, codec: str) -> str | None:
    try:
        return raw.decode(codec)
    except (UnicodeError, LookupError):
        return None


def _latin(raw: bytes) -> str:
    """Latin-1 has controls where Windows-1252 has quotes and dashes, which texts are full of."""
    text = _strictly(raw, "cp1252") if any(0x80 <= byte < 0xA0 for byte in raw) else None
    return raw.decode("latin_1") if text is None else text


def _decode_escaped(raw: bytes, encodings: Sequence[str]) -> str:
    """Text that switches its set on the way (ISO 2022)."""
    codecs_ = list(dict.fromkeys([*(encodings or ("iso8859",)), *_ESCAPED]))
    try:
        with quiet():
            return charset.decode_bytes(raw, codecs_, {"\r", "\n", "\t", "\f"})
    except (UnicodeError, LookupError, ValueError):
        return decode(raw.replace(_ESCAPE, b""), encodings)


def _guessed(raw: bytes) -> str:
    """The likeliest reading of bytes that are no UTF-8 and of which nothing is said.

    Western texts have few accents among their letters; where most bytes are high, it is a script
    of its own, told by what its codec makes of them.
    """
    high = sum(byte >= 0x80 for byte in raw)
    letters = sum(65 <= byte <= 90 or 97 <= byte <= 122 for byte in raw)
    if high * 3 < letters or high < 4:
        return _latin(raw)
    for codec, script, share in (  # of its characters beyond ASCII, how many are of the script
        (
            "shift_jis",
            "[\u3040-\u30ff]",
            0.15,
        ),  # kana: the rest of a Japanese text is Chinese signs
        ("euc_jp", "[\u3040-\u30ff]", 0.15),
        ("euc_kr", "[\uac00-\ud7a3]", 0.6),
        ("gb18030", "[\u4e00-\u9fff]", 0.6),
        ("cp1251", "[\u0430-\u044f]", 0.6),
    ):
        text = _strictly(raw, codec)
        if text is None:
            continue
        wide = [sign for sign in text if ord(sign) >= 0x80]
        if len(re.findall(script, text)) >= share * len(wide):
            return text
    return _latin(raw)
