"""The sentences of a text, by Wikimedia's sentencex: abbreviations, decimals and figure numbers
end none. What holds no letter ("1.", "2)") belongs to the sentence that follows."""

from __future__ import annotations

from sentencex import segment

__all__ = ["sentences_of"]


def sentences_of(text: str, language: str = "en") -> list[str]:
    """The sentences in order, without the blanks around them; a text without any is one.

    language: ISO 639-1, whose abbreviations are known. Line ends end no sentence, empty lines do.
    """
    found: list[str] = []
    begun = ""
    readable = text.encode("utf-8", "replace").decode()  # half a surrogate pair has no bytes
    for part in segment(language, readable):
        begun = f"{begun} {part.strip()}".strip()
        if any(letter.isalpha() for letter in part):
            found.append(begun)
            begun = ""
    if begun and found:
        found[-1] += f" {begun}"
    return found or [text.strip()]
