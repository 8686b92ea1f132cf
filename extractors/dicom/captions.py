"""A sentence about an image from its header alone: modality, body part, view, plane, window."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["header_caption"]

# PS3.3 C.7.3.1.1.1, the defined terms that hold images
_MODALITIES = {
    "CR": "radiograph", "DX": "radiograph", "RG": "radiograph", "PX": "panoramic radiograph",
    "IO": "intra-oral radiograph", "MG": "mammogram", "CT": "CT", "MR": "MRI",
    "US": "ultrasound", "IVUS": "intravascular ultrasound", "NM": "scintigram", "PT": "PET",
    "XA": "angiogram", "RF": "fluoroscopy", "DG": "diaphanogram", "ES": "endoscopy",
    "XC": "photograph", "OP": "ophthalmic photograph", "OPT": "optical coherence tomogram",
    "OCT": "optical coherence tomogram", "SM": "microscopy", "GM": "microscopy",
    "BMD": "bone densitometry", "DM": "dermoscopy", "TG": "thermogram",
}  # fmt: skip
_PROJECTIONS = frozenset({"CR", "DX", "RG", "PX", "IO", "MG", "XA", "RF"})
_VIEWS = {"LL": "left lateral", "RL": "right lateral", "LATERAL": "lateral", "LAT": "lateral"}
# PS3.16 Annex L, where the word itself is not how a reader would say it
_PARTS = {
    "CSPINE": "cervical spine", "TSPINE": "thoracic spine", "LSPINE": "lumbar spine",
    "CTSPINE": "cervicothoracic spine", "TLSPINE": "thoracolumbar spine",
    "LSSPINE": "lumbosacral spine", "SSPINE": "sacral spine", "ABDOMENPELVIS": "abdomen and pelvis",
    "CHESTABDOMEN": "chest and abdomen", "CHESTABDPELVIS": "chest, abdomen and pelvis",
    "CHESTABDOMENPELVIS": "chest, abdomen and pelvis", "HEADNECK": "head and neck",
    "NECKCHEST": "neck and chest", "NECKCHESTABDOMEN": "neck, chest and abdomen",
    "CERVICALSPINE": "cervical spine", "THORACICSPINE": "thoracic spine",
    "LUMBARSPINE": "lumbar spine", "HEADANDNECK": "head and neck", "UPPERARM": "upper arm",
    "LOWERLEG": "lower leg", "CORONARYARTERY": "coronary artery", "TEMPORALBONE": "temporal bone",
    "UPPEREXTREMITY": "upper extremity", "LOWEREXTREMITY": "lower extremity",
    "WHOLEBODY": "whole body", "TMJ": "temporomandibular joint", "IAC": "internal auditory canal",
}  # fmt: skip
_SIDES = {"L": "left", "R": "right", "B": "bilateral"}
_PAIRED_WORDS = """
    ankle arm axilla breast calcaneus calf carotid clavicle ear elbow eye femur foot forearm hand
    hip humerus kidney knee leg lung orbit ovary patella radius scapula shoulder testis thigh tibia
    ulna wrist"""
_PAIRED = frozenset(_PAIRED_WORDS.split())
_OWN_PARTS = {"OP": "eye", "OPT": "eye"}  # of modalities that see one organ
_SCOUT = ("CT", "localizer")


def header_caption(facts: Mapping[str, str]) -> str:
    """``Chest radiograph, PA view.``, or "" where the header does not even tell the modality.

    facts: Modality, BodyPartExamined, Laterality, ViewPosition by the attributes' keywords; region
    and view in words, of their codes, which are said where the attributes are not; plane and window
    in words; contrast, not "" where there was some; kind: localizer, mosaic, tomosynthesis.
    """
    modality = facts.get("Modality", "").upper()
    kind = _MODALITIES.get(modality, "")
    if not kind:
        return ""
    how = facts.get("kind", "")
    part = _part(facts.get("BodyPartExamined", "")) or facts.get("region", "")
    if modality == "MG" and part == "breast":
        part = ""
    part = part or _OWN_PARTS.get(modality, "")
    if how == "tomosynthesis":
        kind = "breast tomosynthesis"
    elif how == "localizer":
        kind = f"{kind} localizer"
    side = _side(facts.get("Laterality", ""), modality, part)
    details = []
    if modality in _PROJECTIONS:
        head = " ".join(word for word in (side, part, kind) if word)
    else:
        head = f"{kind} of the {side} {part}".replace("  ", " ") if part else kind
        details += [f"{side} side"] if side and not part else []
    view = _view(facts.get("ViewPosition", "")) or facts.get("view", "")
    if view:
        details.append(f"{view} view")
    # a projection has a view and no plane, and so has the scout of a CT
    if facts.get("plane") and modality not in _PROJECTIONS and (modality, how) != _SCOUT:
        details.append(f"{facts['plane']} plane")
    if how == "mosaic":
        details.append("mosaic of slices")
    if facts.get("contrast"):
        details.append("with contrast")
    if facts.get("window"):
        details.append(f"{facts['window']} window")
    sentence = ", ".join([head, *details])
    return f"{sentence[0].upper()}{sentence[1:]}."


def _side(laterality: str, modality: str, part: str) -> str:
    """Both sides are said only of what a patient has two of."""
    side = _SIDES.get(laterality.upper(), "")
    return "" if side == "bilateral" and modality != "MG" and part not in _PAIRED else side


def _part(term: str) -> str:
    """A defined term in words; "" for what is none: it could be anything that somebody typed."""
    words = re.sub(r"[^A-Za-z ]", "", term).upper().strip()
    joined = words.replace(" ", "")
    if joined in _PARTS:
        return _PARTS[joined]
    return words.lower() if joined in _PLAIN_PARTS else ""


def _view(term: str) -> str:
    word = re.sub(r"[^A-Z0-9]", "", term.upper())
    if word in _VIEWS:
        return _VIEWS[word]
    return word if word in _SHORT_VIEWS else ""


_VIEW_WORDS = (
    "AP PA LLD RLD LLO RLO RAO LAO RPO LPO CC MLO ML LM LMO ISO XCC XCCL XCCM FB SIO CV AT"
)
_PART_WORDS = """
    ABDOMEN ADRENAL ANKLE AORTA ARM AXILLA BACK BLADDER BRAIN BREAST BRONCHUS BUTTOCK CALCANEUS
    CALF CAROTID CEREBELLUM CERVIX CHEEK CHEST CLAVICLE COCCYX COLON CORNEA DUODENUM EAR ELBOW
    ESOPHAGUS EXTREMITY EYE EYELID FACE FEMUR FINGER FOOT FOREARM GALLBLADDER HAND HEAD HEART HIP
    HUMERUS ILEUM ILIUM JAW JEJUNUM KIDNEY KNEE LARYNX LEG LIVER LUNG MAXILLA MEDIASTINUM MOUTH NECK
    NOSE ORBIT OVARY PANCREAS PAROTID PATELLA PELVIS PENIS PHARYNX PROSTATE RADIUS RECTUM RIB SACRUM
    SCALP SCAPULA SCLERA SCROTUM SHOULDER SINUS SKULL SPINE SPLEEN STERNUM STOMACH TESTIS THIGH
    THORAX THUMB THYMUS THYROID TIBIA TOE TONGUE TRACHEA ULNA URETER URETHRA UTERUS VAGINA VULVA
    WRIST ZYGOMA"""
_SHORT_VIEWS = frozenset(_VIEW_WORDS.split())
_PLAIN_PARTS = frozenset(_PART_WORDS.split())
