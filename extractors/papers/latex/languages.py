"""The language of a document, and the word that it prints before a figure's number."""

from __future__ import annotations

from .state import State

__all__ = ["figure_word", "language_of"]

_LANGUAGES = {
    "english": "en", "american": "en", "british": "en", "usenglish": "en", "ukenglish": "en",
    "german": "de", "ngerman": "de", "austrian": "de", "naustrian": "de", "french": "fr",
    "francais": "fr", "frenchb": "fr", "acadian": "fr", "spanish": "es", "portuguese": "pt",
    "brazil": "pt", "brazilian": "pt", "italian": "it", "russian": "ru", "ukrainian": "uk",
    "dutch": "nl", "polish": "pl", "swedish": "sv", "danish": "da", "norsk": "nb", "nynorsk": "nn",
    "czech": "cs", "slovak": "sk", "slovene": "sl", "finnish": "fi", "hungarian": "hu",
    "magyar": "hu", "turkish": "tr", "catalan": "ca", "romanian": "ro", "greek": "el",
    "croatian": "hr", "serbian": "sr", "bulgarian": "bg", "hebrew": "he", "indonesian": "id",
    "vietnamese": "vi", "estonian": "et", "latvian": "lv", "lithuanian": "lt", "basque": "eu",
    "galician": "gl", "japanese": "ja", "korean": "ko", "chinese": "zh",
}  # fmt: skip
_NAMES = {  # \figurename by language, where it is not Figure
    "de": "Abbildung", "fr": "Figure", "es": "Figura", "pt": "Figura", "it": "Figura",
    "ru": "Рис.", "uk": "Рис.", "nl": "Figuur", "pl": "Rysunek", "sv": "Figur", "da": "Figur",
    "nb": "Figur", "cs": "Obrázek", "fi": "Kuva", "hu": "ábra", "tr": "Şekil", "ca": "Figura",
    "ro": "Figura", "el": "Σχήμα", "zh": "图", "ja": "図", "ko": "그림", "sk": "Obr.",
    "sl": "Slika",
}  # fmt: skip
_CLASS_NAMES = (("revtex", "FIG."), ("IEEEtran", "Fig."), ("llncs", "Fig."), ("sv", "Fig."),
                ("sn-jnl", "Fig."))  # fmt: skip
_CLASS_LANGUAGES = (("ctex", "zh"), ("ltj", "ja"), ("ujarticle", "ja"), ("jsarticle", "ja"))


def language_of(state: State) -> str:
    """BCP 47 of the main language by babel's, polyglossia's or the class's options, else "".

    babel takes the last option that is a language.
    """
    options = [
        *state.options.get("\\documentclass", ()),
        *state.options.get("babel", ()),
        *state.options.get("\\setdefaultlanguage", ()),
    ]
    said = [option.partition("=")[2] for option in options if option.startswith("main")]
    for option in [*said, *reversed(options)]:
        if (found := _LANGUAGES.get(option.strip().lower())) is not None:
            return found
    name = state.document_class
    return next((tag for start, tag in _CLASS_LANGUAGES if name.startswith(start)), "")


def figure_word(state: State) -> str:
    """What is printed before a figure's number where the document does not say it."""
    name = state.document_class
    by_class = "Fig." if name == "aa" else "Figure"
    by_class = next((word for start, word in _CLASS_NAMES if name.startswith(start)), by_class)
    return _NAMES.get(language_of(state), by_class)
