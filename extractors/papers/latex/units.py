"""Quantities (siunitx) and formulas (mhchem) as text: "5 µm", "H₂O"."""

from __future__ import annotations

import re

from ..scripts import script

__all__ = ["chemistry", "quantity"]

_PREFIXES = {
    "yocto": "y", "zepto": "z", "atto": "a", "femto": "f", "pico": "p", "nano": "n", "micro": "µ",
    "milli": "m", "centi": "c", "deci": "d", "deca": "da", "hecto": "h", "kilo": "k", "mega": "M",
    "giga": "G", "tera": "T", "peta": "P", "exa": "E",
}  # fmt: skip
_UNITS = {
    "metre": "m", "meter": "m", "second": "s", "gram": "g", "kilogram": "kg", "ampere": "A",
    "kelvin": "K", "mole": "mol", "candela": "cd", "hertz": "Hz", "newton": "N", "pascal": "Pa",
    "joule": "J", "watt": "W", "coulomb": "C", "volt": "V", "farad": "F", "ohm": "Ω",
    "siemens": "S", "weber": "Wb", "tesla": "T", "henry": "H", "celsius": "°C",
    "degreeCelsius": "°C", "lumen": "lm", "lux": "lx", "becquerel": "Bq", "gray": "Gy",
    "sievert": "Sv", "minute": "min", "hour": "h", "day": "d", "degree": "°", "arcminute": "′",
    "arcsecond": "″", "hectare": "ha", "litre": "L", "liter": "L", "tonne": "t",
    "electronvolt": "eV", "dalton": "Da", "astronomicalunit": "au", "decibel": "dB", "neper": "Np",
    "bel": "B", "percent": "%", "angstrom": "Å", "bar": "bar", "radian": "rad", "steradian": "sr",
    "byte": "B", "bit": "bit", "molar": "M", "um": "µm", "nm": "nm", "mm": "mm", "cm": "cm",
    "km": "km", "ms": "ms", "us": "µs", "ns": "ns", "ps": "ps", "fs": "fs", "kg": "kg", "mg": "mg",
    "ug": "µg", "ml": "mL", "ul": "µL", "l": "L", "m": "m", "s": "s", "g": "g", "K": "K", "A": "A",
    "V": "V", "mV": "mV", "kV": "kV", "W": "W", "mW": "mW", "kW": "kW", "MW": "MW", "Hz": "Hz",
    "kHz": "kHz", "MHz": "MHz", "GHz": "GHz", "THz": "THz", "eV": "eV", "keV": "keV", "MeV": "MeV",
    "GeV": "GeV", "TeV": "TeV", "meV": "meV", "N": "N", "J": "J", "Pa": "Pa", "kPa": "kPa",
    "MPa": "MPa", "GPa": "GPa", "dB": "dB", "mol": "mol", "h": "h", "d": "d", "T": "T", "mT": "mT",
}  # fmt: skip
_POWERS = {"squared": "²", "cubed": "³", "square": "²", "cubic": "³"}
_TOKEN = re.compile(r"\\([A-Za-z]+) *(?:\{([^{}]{0,40})\})?|([^\\])")


def quantity(command: str, first: str, second: str = "") -> str:
    r"""\SI{first}{second}, \num{first}, \si{first} or \ang{first} as text."""
    if command in ("si", "unit"):
        return _unit(first)
    if command == "ang":
        parts = (first.replace(" ", "") + ";;").split(";")
        return "".join(p + mark for p, mark in zip(parts, "°′″", strict=False) if p)
    number = _number(first)
    if command in ("num", "numrange", "numlist"):
        return number
    unit = _unit(second)
    return f"{number}{'' if unit[:1] in '°′″' and unit[:2] != '°C' else ' '}{unit}".strip()


def _number(text: str) -> str:
    text = re.sub(r"\\(?:,|;|!|:| )", "", text.strip())
    text = re.sub(r"\\pm *|\+-", " ± ", text)
    text = re.sub(r"\\times *| x ", " × ", text)
    text = re.sub(r"[{}$]|\\[A-Za-z]+ *", "", text)
    text = re.sub(r" {2,}", " ", text)
    return re.sub(
        r"(\d?)[eEdD]([+-]?\d{1,6})",
        lambda m: f"{m[1]}{' × ' if m[1] else ''}10{script(m[2].lstrip('+'), up=True)}",
        text,
    ).replace("-", "−")


def _unit(text: str) -> str:
    """Units written as macros (\\kilo\\metre\\per\\second) or as letters (km.s^{-1})."""
    out: list[str] = []
    inverse = fresh = False
    power = ""
    for word, argument, sign in _TOKEN.findall(text[:500]):
        if word in ("per",):
            inverse = True
        elif word in ("square", "cubic"):
            power = _POWERS[word]
        elif word in _POWERS or word in ("tothe", "raiseto"):
            raised = _POWERS.get(word) or script(argument.strip(), up=True)
            if out:
                out[-1] = (
                    out[-1].removesuffix("¹").removesuffix("⁻")
                    + ("⁻" if out[-1].endswith("⁻¹") else "")
                    + raised
                )
        elif word in _PREFIXES:
            out.append(_joined(out, fresh) + _PREFIXES[word])
            fresh = False
            out[-1] += "\0"
        elif word:
            unit = _UNITS.get(word, word)
            if out and out[-1].endswith("\0"):
                out[-1] = out[-1][:-1] + unit
            else:
                out.append(_joined(out, fresh) + unit)
            if inverse:
                out[-1] += f"⁻{power or '¹'}"
            else:
                out[-1] += power
            inverse, power = False, ""
        elif sign:
            out.append(sign)
            fresh = True
    text = "".join(out).replace("\0", "")
    text = re.sub(r"\^ *(?:\{([^{}]{0,20})\}|(.))", lambda m: script(m[1] or m[2], up=True), text)
    text = re.sub(r"_ *(?:\{([^{}]{0,20})\}|(.))", lambda m: script(m[1] or m[2], up=False), text)
    return re.sub(r"[{}$]", "", text).replace("~", " ").replace(".", " ").strip()


def _joined(out: list[str], fresh: bool) -> str:
    return " " if out and not fresh else ""


def chemistry(text: str) -> str:
    r"""\ce{H2O}, \ce{SO4^2-} and \ce{A + B -> C} as text."""
    text = text.replace("$", "").replace("<->", "↔").replace("<=>", "⇌").replace("->", "→")
    text = re.sub(
        r"\^ *(?:\{([^{}]{0,20})\}|([0-9]*[+-]?))",
        lambda m: script(m[1] or m[2] or "", up=True),
        text,
    )
    text = re.sub(r"_ *(?:\{([^{}]{0,20})\}|(\w))", lambda m: script(m[1] or m[2], up=False), text)
    text = re.sub(r"(?<=[A-Za-z)\]])(\d{1,4})", lambda m: script(m[1], up=False), text)
    text = re.sub(r"(?<=[A-Za-z)\]₀-₉])([+-])(?=\s|$)", lambda m: script(m[1], up=True), text)
    return re.sub(r"[{}]|\\[A-Za-z]+ *", "", text).strip()
