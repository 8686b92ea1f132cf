"""The acronyms and signs that speak for kinds of figures in captions, each group with its nats.

As ``figure_word_list``, but case counts: SEM is a microscope, and "± SEM" the spread of a mean.
"""

from __future__ import annotations

from .figure_word_list import Speaks

__all__ = ["ACRONYMS"]

ACRONYMS: tuple[tuple[Speaks, str], ...] = (
    (
        {"microscopy": 3.0},
        r"\b(?:FE-?)?(?:SEM|TEM|STEM|AFM|HRTEM|ESEM)s?\b (?:image|micro|photo|pic)",
    ),
    ({"microscopy": 1.5}, r"(?<![±∓\d] )(?<!- )\b(?:FE-?SEM|TEM|HRTEM|STEM|AFM|SEM of|SEM show)\b"),
    (
        {"plot": 2.0},
        r"(?:±|\+/-|\+/−|mean[s]? and) ?(?:the )?(?:1 )?(?:SEM|SD|SE|S\.E|S\.D|standard)",
    ),
    ({"microscopy": 2.5}, r"\bH ?(?:&|and|&amp;|\+|/) ?E\b|\bPAS\b.{0,12}stain|\bDAPI\b|\bTUNEL\b"),
    ({"microscopy": 1.2}, r"\b(?:IHC|FISH|GFP|EGFP|RFP|YFP|DIC|TIRF)\b"),
    ({"microscopy": 1.0}, r"[×x] ?\d{2,5}\b|\b\d{2,5} ?[×x](?=[ ,.;)])|\b\d+ ?[μµ]m\b"),
    ({"radiology": 2.5}, r"\b(?:CBCT|HRCT|MDCT|CECT|PET[-/ ]CT|SPECT|MRCP|MRA|CTA|DSA|OPG|DXA)\b"),
    ({"radiology": 2.2}, r"\b(?:(?:MS|MD|HR|CE|CB)?CT|MRI|MR|PET|IRM|TDM|TAC|RM|RMN|МРТ|КТ)\b"),
    ({"radiology": 1.2}, r"\bT[12]-?(?:weighted|WI)|\bFLAIR\b|\bSTIR\b|\bT[12][-−]w"),
    (
        {"plot": 2.5},
        r"\bROC\b|\bPCA\b|\bPCoA\b|\bNMDS\b|\bAUC\b|\bt-?SNE\b|\bUMAP\b|\bXRD\b|\bFTIR\b",
    ),
    ({"plot": 1.5}, r"\b(?:DSC|TGA|NMR|EEG|ECG|EKG|PSD|CDF|HPLC|GC-?MS|MS/MS|qPCR|RT-PCR)\b"),
    ({"plot": 1.0}, r"\bn ?= ?\d|\b[pP] ?[<=≤] ?0?\.\d|\b95 ?% (?:CI|conf)|\bCIs?\b|\*+ ?[pP]\b"),
    ({"other": 2.0}, r"\bSDS-?PAGE\b|\bPAGE\b|\bEMSA\b|\bPFGE\b|\bDGGE\b|\bIDE\b|\bGUI\b"),
    ({"diagram": 2.5}, r"\b(?:UML|PRISMA|CONSORT|STROBE|SADT|BPMN|E-?R diagram)\b"),
    ({"map": 1.5}, r"\bGIS\b|\bDEM\b|\b\d{1,3}° ?\d{0,2}[′']? ?[NSEW]\b|\bUTM\b"),
)
