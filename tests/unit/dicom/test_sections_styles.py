"""Reports of many styles, written by hand: each with the sections that a reader sees in it."""

from __future__ import annotations

import pytest

from domainclip.extractors.dicom.reports.sections import sections_of

# title -> (text, [(name of the section, its text), ...] of every section that has text)
STYLES: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "MIMIC, wet read above the final report": (
        "WET READ: ___ ___ ___ 8:54 PM\n  No acute process.\n"
        "______________________________________________________________________________\n"
        "                                 FINAL REPORT\n EXAMINATION:  CHEST (PA AND LAT)\n \n"
        " INDICATION:  ___M with cough  // r/o pneumonia\n \n TECHNIQUE:  Chest PA and lateral\n \n"
        " COMPARISON:  ___\n \n FINDINGS: \n \n The lungs are clear.\n Heart size is normal.\n \n"
        " IMPRESSION: \n \n No acute cardiopulmonary process.\n",
        [
            ("", "___ ___ ___ 8:54 PM No acute process."),
            ("examination", "CHEST (PA AND LAT)"),
            ("indication", "___M with cough // r/o pneumonia"),
            ("technique", "Chest PA and lateral"),
            ("comparison", "___"),
            ("findings", "The lungs are clear. Heart size is normal."),
            ("impression", "No acute cardiopulmonary process."),
        ],
    ),
    "MIMIC, the views' title holds the findings": (
        "                                 FINAL REPORT\n HISTORY:  Fever.\n\n"
        " PORTABLE AP CHEST RADIOGRAPH:  The heart is enlarged. There is edema.\n\n"
        " IMPRESSION:  Edema.\n",
        [
            ("history", "Fever."),
            ("findings", "The heart is enlarged. There is edema."),
            ("impression", "Edema."),
        ],
    ),
    "MIMIC, the views' title above findings": (
        " CHEST, TWO VIEWS:  ___\n\n HISTORY:  Fever.\n\n FINDINGS:  Clear.\n",
        [("examination", "___"), ("history", "Fever."), ("findings", "Clear.")],
    ),
    "MIMIC, notification and recommendation": (
        " IMPRESSION:  Pneumothorax.\n\n RECOMMENDATION(S):  Chest tube.\n\n"
        " NOTIFICATION:  The findings were discussed by Dr. ___ with Dr. ___ at 5:10 PM.\n",
        [
            ("impression", "Pneumothorax."),
            ("recommendation", "Chest tube."),
            ("", "The findings were discussed by Dr. ___ with Dr. ___ at 5:10 PM."),
        ],
    ),
    "MIMIC, comparison and reason combined": (
        " REASON FOR EXAMINATION:  Line placement.\n\n COMPARISON/INDICATION:  None.\n\n"
        " AP radiograph reviewed.\n",
        [
            ("indication", "Line placement."),
            ("comparison", "None.\nAP radiograph reviewed."),
            ("indication", "None.\nAP radiograph reviewed."),
        ],
    ),
    "OpenI placeholders": (
        "COMPARISON: XXXX XXXX INDICATION: XXXX-year-old XXXX FINDINGS: The XXXX are clear. "
        "IMPRESSION: 1. No acute XXXX.",
        [
            ("comparison", "XXXX XXXX"),
            ("indication", "XXXX-year-old XXXX"),
            ("findings", "The XXXX are clear."),
            ("impression", "1. No acute XXXX."),
        ],
    ),
    "one line without stops": (
        "INDICATION: cough FINDINGS: lungs clear IMPRESSION: normal chest",
        [("indication", "cough"), ("findings", "lungs clear"), ("impression", "normal chest")],
    ),
    "one line in small letters": (
        "indication: chest pain findings: the heart is normal. impression: no acute disease.",
        [
            ("indication", "chest pain"),
            ("findings", "the heart is normal."),
            ("impression", "no acute disease."),
        ],
    ),
    "one line with capital first letters": (
        "Clinical history: fall Findings: No fracture. Impression: Normal wrist.",
        [("history", "fall"), ("findings", "No fracture."), ("impression", "Normal wrist.")],
    ),
    "all in capitals": (
        "CHEST X-RAY\nHISTORY: FEVER\nFINDINGS: THERE ARE NO NEW FINDINGS. HEART NORMAL.\n"
        "IMPRESSION: NORMAL.",
        [
            ("", "CHEST X-RAY"),
            ("history", "FEVER"),
            ("findings", "THERE ARE NO NEW FINDINGS. HEART NORMAL."),
            ("impression", "NORMAL."),
        ],
    ),
    "all in capitals, headings on their own lines": (
        "INDICATION\nFALL\nFINDINGS\nNO FRACTURE. NO ACUTE\nFINDINGS.\n\nIMPRESSION\nNORMAL\n",
        [
            ("indication", "FALL"),
            ("findings", "NO FRACTURE. NO ACUTE FINDINGS."),
            ("impression", "NORMAL"),
        ],
    ),
    "all in small letters, one idea to a line": (
        "exam: ct head\nindication: fall\nfindings: no hemorrhage.\nimpression: normal ct\n",
        [
            ("examination", "ct head"),
            ("indication", "fall"),
            ("findings", "no hemorrhage."),
            ("impression", "normal ct"),
        ],
    ),
    "CRLF and tabs": (
        "FINDINGS:\r\n\tLungs are clear.\r\n\r\n\tHeart is normal.\r\nIMPRESSION:\tNormal.\r\n",
        [("findings", "Lungs are clear.\nHeart is normal."), ("impression", "Normal.")],
    ),
    "misspelt": (
        "INDICATON: cough\nCOMPARISION: none\nTECHNQUE: PA\nFINDNGS: clear\nIMPRESION: normal\n",
        [
            ("indication", "cough"),
            ("comparison", "none"),
            ("technique", "PA"),
            ("findings", "clear"),
            ("impression", "normal"),
        ],
    ),
    "misspelt on their own lines": (
        "FINDIGNS\nThe lungs are clear.\n\nIMPRRESSION\nNormal chest.\n",
        [("findings", "The lungs are clear."), ("impression", "Normal chest.")],
    ),
    "singular and plural": (
        "FINDING: clear lungs.\nIMPRESSIONS: normal.\n",
        [("findings", "clear lungs."), ("impression", "normal.")],
    ),
    "letters apart": (
        "F I N D I N G S: clear lungs.\nI M P R E S S I O N: normal.",
        [("findings", "clear lungs."), ("impression", "normal.")],
    ),
    "bold": (
        "**INDICATION:** cough\n\n**FINDINGS:** Lungs clear.\n\n**IMPRESSION**\nNormal.",
        [("indication", "cough"), ("findings", "Lungs clear."), ("impression", "Normal.")],
    ),
    "bold with the colon outside": (
        "**Findings**: Lungs clear.\n__Impression__: Normal.",
        [("findings", "Lungs clear."), ("impression", "Normal.")],
    ),
    "markdown titles": (
        "# Chest CT\n\n## Findings\n\n- Lungs clear\n- No effusion\n\n## Impression\n\nNormal.",
        [
            ("", "Chest CT"),
            ("findings", "- Lungs clear\n- No effusion"),
            ("impression", "Normal."),
        ],
    ),
    "numbered": (
        "1. INDICATION: cough\n2. FINDINGS: Lungs clear.\n3. IMPRESSION: Normal.",
        [("indication", "cough"), ("findings", "Lungs clear."), ("impression", "Normal.")],
    ),
    "numbered in Roman, no colon": (
        "I. Findings\nLungs clear.\nII. Impression\nNormal.",
        [("findings", "Lungs clear."), ("impression", "Normal.")],
    ),
    "dashes": (
        "INDICATION - cough\nFINDINGS - Lungs clear.\nImpression – Normal.",
        [("indication", "cough"), ("findings", "Lungs clear."), ("impression", "Normal.")],
    ),
    "periods": (
        "COMPARISON. None.\nFINDINGS. Lungs clear.\nIMPRESSION. Normal.",
        [("comparison", "None."), ("findings", "Lungs clear."), ("impression", "Normal.")],
    ),
    "capitals alone": (
        "INDICATION Cough. FINDINGS The lungs are clear. IMPRESSION 1. No acute disease.",
        [
            ("indication", "Cough."),
            ("findings", "The lungs are clear."),
            ("impression", "1. No acute disease."),
        ],
    ),
    "combined": (
        "FINDINGS AND IMPRESSION: No acute disease.",
        [("findings", "No acute disease."), ("impression", "No acute disease.")],
    ),
    "combined with a stroke, misspelt": (
        "cough.\nFINDINGS/IMPRESION\nNo acute disease.",
        [("", "cough."), ("findings", "No acute disease."), ("impression", "No acute disease.")],
    ),
    "combined with an ampersand": (
        "Technique & Findings: CT shows no stone.\nImpression & Recommendations: Normal; none.",
        [
            ("technique", "CT shows no stone."),
            ("findings", "CT shows no stone."),
            ("impression", "Normal; none."),
            ("recommendation", "Normal; none."),
        ],
    ),
    "CT with organs below findings": (
        "CT ABDOMEN AND PELVIS WITH CONTRAST\n\nCLINICAL INDICATION: Pain.\n\n"
        "TECHNIQUE: Axial CT images. Oral contrast: none.\n\nFINDINGS:\n\n"
        "LOWER CHEST: Clear.\nLIVER: Normal.\nKidneys: No stone.\n\nIMPRESSION:\n1. No stone.\n"
        "2. No\nappendicitis.\n",
        [
            ("", "CT ABDOMEN AND PELVIS WITH CONTRAST"),
            ("indication", "Pain."),
            ("technique", "Axial CT images. Oral contrast: none."),
            ("findings", "LOWER CHEST: Clear.\nLIVER: Normal.\nKidneys: No stone."),
            ("impression", "1. No stone.\n2. No appendicitis."),
        ],
    ),
    "CT, organs without a heading for findings": (
        "TECHNIQUE: CT of the abdomen.\nCOMPARISON: None.\n\nLIVER: Normal.\nSPLEEN: Normal.\n\n"
        "IMPRESSION: Normal.",
        [
            ("technique", "CT of the abdomen."),
            ("comparison", "None."),
            ("findings", "LIVER: Normal.\nSPLEEN: Normal."),
            ("impression", "Normal."),
        ],
    ),
    "CT, two regions": (
        "CT HEAD FINDINGS: No bleed.\n\nCT CERVICAL SPINE FINDINGS: No fracture.\n\n"
        "IMPRESSION: Normal.",
        [
            ("findings", "No bleed.\nCT CERVICAL SPINE FINDINGS: No fracture."),
            ("impression", "Normal."),
        ],
    ),
    "CT, dose and contrast stay in the technique": (
        "TECHNIQUE: Helical CT.\nCONTRAST: 100 mL.\nDLP: 450 mGy-cm.\nFINDINGS: Normal.",
        [
            ("technique", "Helical CT.\nCONTRAST: 100 mL.\nDLP: 450 mGy-cm."),
            ("findings", "Normal."),
        ],
    ),
    "CT, a word in the technique": (
        "TECHNIQUE: Images were obtained for comparison: baseline study.\nFINDINGS: Normal.",
        [
            ("technique", "Images were obtained for comparison: baseline study."),
            ("findings", "Normal."),
        ],
    ),
    "MR with title-case headings": (
        "Procedure: MRI brain without contrast\nReason for exam: Headache\nComparison: None\n"
        "Findings:\nBrain parenchyma: Normal.\nVentricles: Normal.\nConclusion:\nNormal MRI.",
        [
            ("examination", "MRI brain without contrast"),
            ("indication", "Headache"),
            ("comparison", "None"),
            ("findings", "Brain parenchyma: Normal.\nVentricles: Normal."),
            ("impression", "Normal MRI."),
        ],
    ),
    "MR of the knee": (
        "EXAM: MRI LEFT KNEE\nHISTORY: Trauma\nFINDINGS: MENISCI: Intact. LIGAMENTS: ACL torn. "
        "No other findings: normal cartilage.\nOPINION: ACL tear.",
        [
            ("examination", "MRI LEFT KNEE"),
            ("history", "Trauma"),
            (
                "findings",
                "MENISCI: Intact. LIGAMENTS: ACL torn. No other findings: normal cartilage.",
            ),
            ("impression", "ACL tear."),
        ],
    ),
    "mammography": (
        "BILATERAL DIGITAL SCREENING MAMMOGRAM\n\nINDICATION: Screening.\n\nCOMPARISON: 2019.\n\n"
        "BREAST COMPOSITION: Scattered fibroglandular density.\n\nFINDINGS: No mass.\n\n"
        "IMPRESSION: Negative.\n\nBI-RADS CATEGORY: 1\n\nRECOMMENDATION: Annual screening.",
        [
            ("", "BILATERAL DIGITAL SCREENING MAMMOGRAM"),
            ("indication", "Screening."),
            ("comparison", "2019."),
            ("", "Scattered fibroglandular density."),
            ("findings", "No mass."),
            ("impression", "Negative.\nBI-RADS CATEGORY: 1"),
            ("recommendation", "Annual screening."),
        ],
    ),
    "mammography, assessment": (
        "Findings: Stable calcifications.\nAssessment: BI-RADS 2, benign.\nManagement: Routine.",
        [
            ("findings", "Stable calcifications."),
            ("impression", "BI-RADS 2, benign."),
            ("recommendation", "Routine."),
        ],
    ),
    "ultrasound": (
        "ULTRASOUND ABDOMEN COMPLETE\nClinical Information: RUQ pain\nLiver: Normal echotexture.\n"
        "Gallbladder: Stones.\nCommon bile duct: 4 mm.\nImpression: Cholelithiasis.",
        [
            ("", "ULTRASOUND ABDOMEN COMPLETE"),
            ("history", "RUQ pain"),
            (
                "findings",
                "Liver: Normal echotexture.\nGallbladder: Stones.\nCommon bile duct: 4 mm.",
            ),
            ("impression", "Cholelithiasis."),
        ],
    ),
    "nuclear medicine": (
        "RADIOPHARMACEUTICAL: 10 mCi FDG\nTECHNIQUE: PET/CT from skull base to thigh.\n"
        "FINDINGS: Uptake in the liver, SUV: 5.6.\nIMPRESSION: Metastasis.",
        [
            ("technique", "10 mCi FDG"),
            ("technique", "PET/CT from skull base to thigh."),
            ("findings", "Uptake in the liver, SUV: 5.6."),
            ("impression", "Metastasis."),
        ],
    ),
    "British": (
        "Clinical details: SOB.\nXR Chest: \nReport:\nThe lungs are clear.\nComment: Normal.\n"
        "Reported by: A. Reader, Consultant Radiologist",
        [
            ("history", "SOB."),
            ("findings", "The lungs are clear."),
            ("impression", "Normal."),
            ("", "A. Reader, Consultant Radiologist"),
        ],
    ),
    "fluoroscopy": (
        "PROCEDURE: Barium swallow\nFLUOROSCOPY TIME: 2.1 minutes\nFINDINGS: No reflux.\n"
        "COMPLICATIONS: None.\nIMPRESSION: Normal.",
        [
            ("examination", "Barium swallow"),
            ("technique", "2.1 minutes"),
            ("findings", "No reflux."),
            ("", "None."),
            ("impression", "Normal."),
        ],
    ),
    "headers of a hospital system": (
        "PATIENT NAME: DOE, JANE\nMRN: 12345\nDATE OF SERVICE: 01/02/2020\n"
        "ORDERING PROVIDER: Smith\nEXAM: XR CHEST 2 VIEWS\n\nFINDINGS: Clear.\n",
        [
            ("", "DOE, JANE"),
            ("", "12345"),
            ("", "01/02/2020"),
            ("", "Smith"),
            ("examination", "XR CHEST 2 VIEWS"),
            ("findings", "Clear."),
        ],
    ),
    "addendum with sections of its own": (
        "FINDINGS: Clear lungs.\nIMPRESSION: Normal.\n\nADDENDUM: On review:\n"
        "FINDINGS: A nodule.\nIMPRESSION: Nodule, see above.",
        [
            ("findings", "Clear lungs."),
            ("impression", "Normal."),
            ("addendum", "On review:"),
            ("findings", "A nodule."),
            ("impression", "Nodule, see above."),
        ],
    ),
    "signature": (
        "IMPRESSION: Normal.\n\nElectronically signed by: A. Reader, MD\nDictated by: B. Writer",
        [("impression", "Normal."), ("", "A. Reader, MD"), ("", "B. Writer")],
    ),
    "end of impression": (
        "IMPRESSION: Normal.\n***END OF IMPRESSION***\nTranscribed on 3/4/2020",
        [("impression", "Normal."), ("", "3/4/2020")],
    ),
    "signature in the line of the impression": (
        "FINDINGS: Clear. IMPRESSION: Normal. Electronically signed by A. Reader, MD",
        [("findings", "Clear."), ("impression", "Normal."), ("", "A. Reader, MD")],
    ),
    "attestation": (
        "IMPRESSION: Normal.\nI have personally reviewed the images and agree with the above.",
        [("impression", "Normal."), ("", "the images and agree with the above.")],
    ),
    "page footers": (
        "FINDINGS: The lungs\nPage 1 of 2\nare clear.\n          (Over)\nHeart normal.\n"
        "IMPRESSION: Normal.\nPage 2 of 2\n",
        [("findings", "The lungs are clear. Heart normal."), ("impression", "Normal.")],
    ),
    "words that are no headings": (
        "The findings are stable. Clinical impression of pneumonia. There are no new findings: "
        "the lungs are clear. Findings compatible with edema. Impressions upon the pleura.",
        [
            (
                "",
                "The findings are stable. Clinical impression of pneumonia. There are no new "
                "findings: the lungs are clear. Findings compatible with edema. Impressions upon "
                "the pleura.",
            )
        ],
    ),
    "capitals that are no heading": (
        "IMPRESSION: Adenopathy. FINDINGS COULD REPRESENT LYMPHOMA. COMPARED TO PRIOR, WORSE.",
        [
            (
                "impression",
                "Adenopathy. FINDINGS COULD REPRESENT LYMPHOMA. COMPARED TO PRIOR, WORSE.",
            )
        ],
    ),
    "alike but ordinary words": (
        "FINDINGS: L1 vertebra.\nCompression: mild.\nDepression: none.\nFillings: two.\n"
        "Occlusion: none.\nIMPRESSION: Fracture.",
        [
            (
                "findings",
                "L1 vertebra.\nCompression: mild.\nDepression: none.\nFillings: two.\n"
                "Occlusion: none.",
            ),
            ("impression", "Fracture."),
        ],
    ),
    "wrapped prose": (
        "FINDINGS: The study shows several\nfindings: edema, and effusion at the base, but no\n"
        "findings\n\nIMPRESSION: Edema.",
        [
            (
                "findings",
                "The study shows several findings: edema, and effusion at the base, but no "
                "findings",
            ),
            ("impression", "Edema."),
        ],
    ),
    "sentence start in small letters": (
        "Portable film. findings: none. impression: normal.",
        [("", "Portable film."), ("findings", "none."), ("impression", "normal.")],
    ),
    "German": (
        "Klinische Angaben: Husten.\nFragestellung: Pneumonie?\nTechnik: Röntgen Thorax p.a.\n"
        "Voraufnahmen: keine\nBefund:\nHerz: normal groß.\nLunge frei.\n\n"
        "Beurteilung:\nKein Infiltrat.\n\nMit freundlichen Grüßen\nDr. Muster",
        [
            ("history", "Husten."),
            ("indication", "Pneumonie?"),
            ("technique", "Röntgen Thorax p.a."),
            ("comparison", "keine"),
            ("findings", "Herz: normal groß. Lunge frei."),
            ("impression", "Kein Infiltrat."),
            ("", "Dr. Muster"),
        ],
    ),
    "German, combined": (
        "BEFUND UND BEURTEILUNG: Unauffällig.\nEmpfehlung: keine.",
        [
            ("findings", "Unauffällig."),
            ("impression", "Unauffällig."),
            ("recommendation", "keine."),
        ],
    ),
    "French": (
        "Indication : toux fébrile.\nTechnique : scanner thoracique.\nRÉSULTATS :\n"
        "Pas d'épanchement.\nConclusion :\nExamen normal.",
        [
            ("indication", "toux fébrile."),
            ("technique", "scanner thoracique."),
            ("findings", "Pas d'épanchement."),
            ("impression", "Examen normal."),
        ],
    ),
    "French, without accents": (
        "RENSEIGNEMENTS CLINIQUES: toux\nRESULTATS: normal\nAU TOTAL: rien",
        [("history", "toux"), ("findings", "normal"), ("impression", "rien")],
    ),
    "Spanish": (
        "Motivo de consulta: tos.\nTécnica: TC de tórax.\nHallazgos:\nSin derrame.\n"
        "Impresión diagnóstica:\nNormal.",
        [
            ("indication", "tos."),
            ("technique", "TC de tórax."),
            ("findings", "Sin derrame."),
            ("impression", "Normal."),
        ],
    ),
    "Portuguese": (
        "Indicação clínica: tosse.\nTÉCNICA: TC.\nACHADOS: Sem derrame.\nIMPRESSÃO: Normal.",
        [
            ("indication", "tosse."),
            ("technique", "TC."),
            ("findings", "Sem derrame."),
            ("impression", "Normal."),
        ],
    ),
    "Italian": (
        "Quesito clinico: tosse.\nTecnica: TC torace.\nConfronto: nessuno.\nReferto:\n"
        "Non versamento.\nConclusioni: normale.",
        [
            ("indication", "tosse."),
            ("technique", "TC torace."),
            ("comparison", "nessuno."),
            ("findings", "Non versamento."),
            ("impression", "normale."),
        ],
    ),
    "Dutch": (
        "Klinische gegevens: hoesten.\nVraagstelling: pneumonie?\nBevindingen: Geen infiltraat.\n"
        "Conclusie: Normaal.",
        [
            ("history", "hoesten."),
            ("indication", "pneumonie?"),
            ("findings", "Geen infiltraat."),
            ("impression", "Normaal."),
        ],
    ),
    "heading words inside a section of the same name": (
        "IMPRESSION: Stable findings; impression unchanged. Comparison is made to prior.",
        [("impression", "Stable findings; impression unchanged. Comparison is made to prior.")],
    ),
    "brackets": (
        "[INDICATION]: cough\n[FINDINGS]: clear\n<IMPRESSION>: normal",
        [("indication", "cough"), ("findings", "clear"), ("impression", "normal")],
    ),
    "qualified in brackets": (
        "FINDINGS (CT CHEST): Clear.\nIMPRESSION (PRELIMINARY): Normal.",
        [("findings", "Clear."), ("impression", "Normal.")],
    ),
    "MIMIC, an opening in the findings' place": (
        "                                 FINAL REPORT\n AP CHEST, ___:\n\n"
        " HISTORY:  Fever.\n\n IMPRESSION:  AP chest compared to ___:\n\n"
        " Mild edema. Moderate effusion.\n",
        [
            ("", "AP CHEST, ___:"),
            ("history", "Fever."),
            ("impression", "AP chest compared to ___:\nMild edema. Moderate effusion."),
        ],
    ),
    "one line, a region in capitals before a heading": (
        "EXAM: CT HEAD W/O CONTRAST HISTORY: Fall. FINDINGS: Normal. IMP: Normal. REC: None.",
        [
            ("examination", "CT HEAD W/O CONTRAST"),
            ("history", "Fall."),
            ("findings", "Normal."),
            ("impression", "Normal."),
            ("recommendation", "None."),
        ],
    ),
    "marks of a web page": (
        "<b>FINDINGS:</b> clear<br><b>IMPRESSION:</b> normal",
        [("", "<b>"), ("findings", "</b> clear<br><b>"), ("impression", "</b> normal")],
    ),
    "a subject in a sentence": (
        "Technique: PA. The findings: edema. In the impression: nothing.\n- stable findings: none",
        [
            (
                "technique",
                "PA. The findings: edema. In the impression: nothing.\n- stable findings: none",
            )
        ],
    ),
    "times and ratios": (
        "FINDINGS: Examined at 10:30. Ratio 1:2. Level T4: normal.\nIMPRESSION: Normal.",
        [
            ("findings", "Examined at 10:30. Ratio 1:2. Level T4: normal."),
            ("impression", "Normal."),
        ],
    ),
    "a semicolon list of history": (
        "History: 50F; prior history: breast cancer. Findings: Clear.",
        [("history", "50F; prior history: breast cancer."), ("findings", "Clear.")],
    ),
}


@pytest.mark.parametrize("style", STYLES)
def test_the_sections_that_a_reader_sees(style: str) -> None:
    text, expected = STYLES[style]
    found = [(section.name, section.text) for section in sections_of(text) if section.text]
    assert found == expected
