"""The sentences of a text, by Wikimedia's sentencex: abbreviations, decimals and figure numbers
end none. What holds no letter ("1.", "2)") belongs to the sentence that follows."""

from __future__ import annotations

from typing import Literal, get_args

from sentencex import segment

from domainclip.errors import UsageError

__all__ = ["Language", "check_language", "sentences_of"]

# those that sentencex 1.0 has rules for; any other it would read as English or its nearest of these
Language = Literal[
    "am", "ar", "bg", "bn", "ca", "da", "de", "el", "en", "es", "fi", "fr", "gu", "hi", "hy", "it",
    "ja", "kk", "kn", "ml", "mr", "my", "nl", "pa", "pl", "pt", "ru", "sk", "ta", "te", "uk",
]  # fmt: skip


def check_language(language: str) -> None:
    """Raises UsageError for a language without rules."""
    known = get_args(Language)
    if language not in known:
        raise UsageError(
            f"text.language: {language!r} has no rules for where sentences end; give one of "
            f"{', '.join(known)}, the nearest for another language."
        )


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
