"""Superscripts, subscripts, fractions and accents as Unicode: H₂O, 10⁻³, x̄, and x_{ab} at need."""

from __future__ import annotations

__all__ = ["MARKS", "accented", "fraction", "root_of", "script"]

MARKS = "\x02\x03"  # no XML has these: they hold places in a text while it is being put together

_UP = dict(
    zip(
        "0123456789+-−–=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVWαβγδεθ′'",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵅᵝᵞᵟᵋᶿ′′",
        strict=True,
    )
)
_DOWN = dict(
    zip(
        "0123456789+-−–=()aehijklmnoprstuvxβγρφχ",
        "₀₁₂₃₄₅₆₇₈₉₊₋₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ",
        strict=True,
    )
)
_KEPT = frozenset(" ,.;:/[]*†‡§¶#°®™∗⁎∘" + MARKS)  # small or raised already, or only punctuation
_ORDINALS = frozenset(["st", "nd", "rd", "th"])
_LONGEST = 24  # beyond it the mark-up is a matter of looks, and braces help nobody


def script(text: str, *, up: bool) -> str:
    """Raised or lowered text: characters that exist so, else ``^{text}`` or ``_{text}``.

    Blanks around it stay outside. 1st, 2nd keep plain letters, as does a text of more than
    24 characters (a whole sentence set small).
    """
    bare = text.strip()
    if not bare or len(bare) > _LONGEST or (up and bare in _ORDINALS):
        return text
    table = _UP if up else _DOWN
    if all(c in table or c in _KEPT for c in bare):
        changed = "".join(table.get(c, c) for c in bare)
    else:
        changed = f"{'^' if up else '_'}{{{bare}}}"
    return text if changed == bare else text.replace(bare, changed, 1)


def fraction(above: str, below: str) -> str:
    """``a/b``, with brackets around what is not one term."""
    return f"{_term(above)}/{_term(below)}"


def root_of(text: str, degree: str = "") -> str:
    """``√x``, ``√(a+b)``, ``³√x``."""
    return f"{script(degree, up=True)}√{_term(text)}"


def accented(text: str, mark: str) -> str:
    """A combining mark on a single character; over several it stands behind them: AB̅."""
    return text.rstrip() + mark if text.strip() else text


def _term(text: str) -> str:
    text = text.strip()
    if len(text) <= 1 or all(c.isalnum() or c in ".′" for c in text):
        return text
    return f"({text})"
