"""Licences: no article that forbids commercial use is labelled as allowing it."""

from __future__ import annotations

import pytest

from domainclip.errors import UsageError
from domainclip.extractors.papers.credits import is_third_party
from domainclip.extractors.papers.jats.article import parse_jats
from domainclip.extractors.papers.licences import allows, check_policy, spdx_of

CC = "creativecommons.org"
XLINK = 'xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:ali="http://www.niso.org/schemas/ali/1.0"'


@pytest.mark.parametrize(
    ("said", "spdx"),
    [
        # links
        (f"http://{CC}/licenses/by/2.0", "CC-BY-2.0"),
        (f"https://www.{CC}/licenses/by-nc-nd/4.0/legalcode", "CC-BY-NC-ND-4.0"),
        (f"https://{CC}/licenses/by-nd-nc/1.0/", "CC-BY-NC-ND-1.0"),
        (f"https://{CC}/licenses/by/4.0/deed.de", "CC-BY-4.0"),
        (f"https://{CC}/licenses/by-nc-nd/3.0/igo/", "CC-BY-NC-ND-3.0-IGO"),
        (f"https://{CC}/licenses/by/3.0/us/", "CC-BY-3.0-US"),
        (f"https://{CC}/licenses/by/2.1/xx/", "CC-BY-2.1"),
        (f"https://{CC}/licenses/by/", "CC-BY"),
        (f"https://{CC}/publicdomain/zero/1.0/", "CC0-1.0"),
        (f"https://{CC}/publicdomain/mark/1.0/", "CC-PDM-1.0"),
        (f"https://{CC}/licenses/nc-sampling+/1.0/", "unknown"),
        ("http://arxiv.org/licenses/nonexclusive-distrib/1.0/", "unknown"),
        ("https://www.elsevier.com/tdm/userlicense/1.0/", "unknown"),
        ("http://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/", "OGL-UK-3.0"),
        # codes
        ("CC BY", "CC-BY"),
        ("CC BY-NC", "CC-BY-NC"),
        ("CC BY-NC-ND", "CC-BY-NC-ND"),
        ("cc by-sa 4.0", "CC-BY-SA-4.0"),
        ("CC0", "CC0-1.0"),
        ("CC-BY-4.0", "CC-BY-4.0"),
        ("CC BY 3.0 IGO", "CC-BY-3.0-IGO"),
        ("TDM", "unknown"),
        ("NO-CC CODE", "unknown"),
        ("", "unknown"),
        # prose
        ("distributed under the Creative Commons Attribution License, which permits use", "CC-BY"),
        ("under a Creative Commons Attribution 4.0 International License (CC BY 4.0)", "CC-BY-4.0"),
        ("Creative Commons Attribution-NonCommercial-NoDerivs 3.0 License", "CC-BY-NC-ND-3.0"),
        ("Creative Commons Attribution Noncommercial License, any noncommercial use", "CC-BY-NC"),
        ("Creative Commons Attribution–ShareAlike 4.0", "CC-BY-SA-4.0"),
        ("made available under the Creative Commons CC0 public domain dedication", "CC0-1.0"),
        ("This article is a work of the US Government", "LicenseRef-public-domain"),
        ("This work is in the public domain in the USA", "LicenseRef-public-domain"),
        ("No claim to original U.S. Government Works", "unknown"),
        ("This text is not in the public domain", "unknown"),
        ("All rights reserved.", "unknown"),
        ("ACS AuthorChoice License, which permits copying for non-commercial ends", "unknown"),
        ("Creative Commons Attribution, for both commercial and non-commercial use", "CC-BY"),
        ("Creative Commons Attribution. For commercial re-use, please contact us", "CC-BY-NC"),
        ("Creative Commons Attribution: cited and is not used for commercial purposes", "CC-BY-NC"),
        ("CC BY with or without modification", "CC-BY"),
        ("Creative Commons: remix non-commercially, new creations under the identical terms",
         "CC-BY-NC-SA"),
        ("Creative Commons Attribution, for commercial use, provided it is cited", "CC-BY"),
        ("Creative Commons Attribution for commercial and noncommercial purposes", "CC-BY"),
        ("the CC BYNCND licence", "CC-BY-NC-ND"),
        ("CC-BYNC 4.0", "CC-BY-NC-4.0"),
        ("Creative Commons Attribution 3.0. No permission to share adapted material",
         "CC-BY-ND-3.0"),
        ("CC BY 4.0, commercial use is not permitted", "CC-BY-NC"),
        (f"https://{CC}/licenses/by- nc/4.0/", "CC-BY-NC-4.0"),
        ("under a Creative Commons licence", "unknown"),
        ("free for use consistent with the principles of fair use", "unknown"),
        # in other languages
        ("Creative Commons Namensnennung - Nicht kommerziell - Keine Bearbeitung 4.0 Lizenz",
         "CC-BY-NC-ND-4.0"),
        ("Creative Commons Attribution - Pas d’Utilisation Commerciale 4.0", "CC-BY-NC-4.0"),
        ("licencia Creative Commons Reconocimiento-NoComercial-CompartirIgual", "CC-BY-NC-SA"),
        ("Licença Creative Commons Atribuição-NãoComercial", "CC-BY-NC"),
        ("Creative Commons Attribuzione - Non commerciale", "CC-BY-NC"),
        ("知识共享 署名-非商业性使用-禁止演绎", "CC-BY-NC-ND"),
        ("クリエイティブ・コモンズ 表示-非営利-継承", "CC-BY-NC-SA"),
        ("лицензия Creative Commons Атрибуция-Некоммерческая", "CC-BY-NC"),
        ("Creative Commons Uznanie autorstwa-Użycie niekomercyjne", "CC-BY-NC"),
        # two things at once
        (f"Attribution License (https://{CC}/licenses/by/2.0), which permits use. The Creative "
         f"Commons Public Domain Dedication waiver (http://{CC}/publicdomain/zero/1.0/) applies to "
         "the data made available in this article.", "CC-BY-2.0"),
        (f"https://{CC}/licenses/by/4.0/ permits non-commercial use only", "CC-BY-NC-4.0"),
        (f"https://{CC}/licenses/by/4.0/ or https://{CC}/licenses/by-nc/4.0/", "CC-BY-NC-4.0"),
    ],
)  # fmt: skip
def test_spdx(said: str, spdx: str) -> None:
    assert spdx_of(said) == spdx


@pytest.mark.parametrize(
    ("spdx", "policy", "allowed"),
    [
        ("CC-BY-4.0", "commercial", True),
        ("CC-BY-ND-4.0", "commercial", True),
        ("CC0-1.0", "commercial", True),
        ("CC-BY-NC-4.0", "commercial", False),
        ("CC-BY-NC", "commercial", False),
        ("unknown", "commercial", False),
        ("", "commercial", False),
        ("unknown", "any", True),
        ("", "any", True),
        ("CC-BY-3.0", "CC0,CC-BY", True),
        ("CC-BY", "CC0, cc by", True),
        ("CC-BY-3.0-IGO", "CC-BY", True),
        ("CC-BY-NC-4.0", "CC0,CC-BY", False),
        ("CC-BY-SA-4.0", "CC-BY", False),
        ("CC-BY-3.0", "CC-BY-4.0", False),
        ("CC-BY-4.0", "CC-BY-4.0", True),
        ("unknown", "CC0,CC-BY", False),
    ],
)
def test_policies(spdx: str, policy: str, allowed: bool) -> None:
    assert allows(spdx, policy) is allowed


@pytest.mark.parametrize("policy", ["", "comercial", "CC-BY,", "CC-BY,mine", "unknown"])
def test_a_policy_that_nobody_knows_is_refused(policy: str) -> None:
    with pytest.raises(UsageError, match="any, commercial, or a list"):
        check_policy(policy)


def licence(meta: str) -> tuple[str, str]:
    text = f"<article {XLINK}><front><article-meta>{meta}</article-meta></front><body/></article>"
    article = parse_jats(text.encode(), "a.xml")
    return article.license, article.license_text


def by(terms: str, attributes: str = "", words: str = "") -> str:
    return (
        f'<license {attributes} xlink:href="https://{CC}/licenses/{terms}/4.0/"><license-p>{words}'
        "</license-p></license>"
    )


def test_of_several_licences_the_one_of_the_article_and_never_the_most_liberal() -> None:
    zero = f'<license license-type="data" xlink:href="https://{CC}/publicdomain/zero/1.0/"/>'
    assert licence(f"<permissions>{zero}{by('by')}</permissions>")[0] == "CC-BY-4.0"
    both = f"<permissions>{by('by')}{by('by-nc-nd')}</permissions>"
    assert licence(both)[0] == "CC-BY-NC-ND-4.0"


def test_prose_takes_back_what_the_link_grants() -> None:
    assert licence(f"<permissions>{by('by', words='For non-commercial use.')}</permissions>")[
        0
    ] == ("CC-BY-NC-4.0")


def test_references_for_mining_and_free_reading_are_no_licence() -> None:
    mining = f"<ali:license_ref specific-use='tdm'>https://{CC}/licenses/by/4.0/</ali:license_ref>"
    free = "<ali:free_to_read/>"
    assert licence(f"<permissions>{free}<license>{mining}</license></permissions>")[0] == "unknown"


def test_old_articles_say_it_in_the_copyright_statement() -> None:
    words = "Doe. This is distributed under the terms of the Creative Commons Attribution License."
    assert licence(f"<copyright-statement>{words}</copyright-statement>") == ("CC-BY", words)


def test_no_licence_is_unknown() -> None:
    assert licence("<permissions><copyright-year>2010</copyright-year></permissions>") == (
        "unknown",
        "",
    )


@pytest.mark.parametrize(
    "text",
    [
        "Reproduced with permission from Smith et al.",
        "Adapted from [12].",
        "Image courtesy of NASA.",
        "© 2010 Elsevier",
        "Reprinted under a CC BY license, with permission from the museum.",
        "Mit freundlicher Genehmigung von X",
        "Reproduit avec la permission de X",
        "Tomado de Pérez",
        "Adaptado de Silva",
        "经作者许可转载自",
        "許可を得て転載",
        "с разрешения издателя",
    ],
)
def test_credits(text: str) -> None:
    assert is_third_party(text)


@pytest.mark.parametrize(
    "text",
    [
        "Cells taken from a patient and modified after 3 days of treatment.",
        "Photograph published with the permission of the patient.",
        "Permission from the patient's family was obtained.",
        "Images were obtained from three independent experiments.",
        "Product yield and permeability.",
    ],
)
def test_no_credits(text: str) -> None:
    assert not is_third_party(text)
