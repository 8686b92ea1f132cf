"""What may stay as it is, and where something is looked for all the same."""

from __future__ import annotations

from .dummies import DUMMIES, FREE_VRS

__all__ = ["fits", "searched"]

# Texts in which something may be left that was taken out elsewhere. Not the code strings that say
# what an object is: a patient called Perfusion is no reason to have no ImageType.
_SEARCHED = FREE_VRS - {"DA", "DT", "AS"} | {"IS", "CS"}
_NOT_SEARCHED = frozenset(
    (
        *(0x00080005, 0x00080008, 0x00080060, 0x00080061, 0x00089007, 0x00080068, 0x0040A010),
        *(0x0040A040, 0x0040A050, 0x0040A491, 0x0040A493, 0x00180015, 0x00185100, 0x00200062),
        *(0x00280004, 0x20500020, 0x00281056, 0x00282110, 0x00282114, 0x00280008),
    )
)


def fits(said: str, vr: str) -> bool:
    """Whether a file may call an attribute of VR ``vr`` by another one, ``said``: not where that
    makes a name, a date or words of what has none."""
    if said in FREE_VRS:
        return vr in FREE_VRS and said not in ("PN", "DA", "DT")
    return said in DUMMIES and said != "UI"


def searched(tag: int, said: str | None, vr: str) -> bool:
    """Whether an element that stays may hold what was taken out elsewhere. said: the file's VR."""
    return (said in _SEARCHED or vr in _SEARCHED) and tag not in _NOT_SEARCHED
