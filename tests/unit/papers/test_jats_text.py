"""Text of JATS: nothing lost, nothing glued, scripts and formulas readable."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from domainclip.extractors.papers.jats.text import text_of
from domainclip.extractors.papers.jats.tree import article_trees

MATHML = 'xmlns:m="http://www.w3.org/1998/Math/MathML"'


def text(inner: str) -> str:
    (tree,) = article_trees(f"<article><body><p {MATHML}>{inner}</p></body></article>".encode(), "")
    return text_of(tree.find("body/p"))


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ("H<sub>2</sub>O", "H₂O"),
        ("10<sup>−3</sup> and 10<sup>-3</sup>", "10⁻³ and 10⁻³"),
        ("Ca<sup>2+</sup>", "Ca²⁺"),
        ("x<sub>ab</sub>", "x_{ab}"),
        ("x<sub>max</sub>", "xₘₐₓ"),
        ("T<sub><italic>i</italic></sub>", "Tᵢ"),
        ("the 5<sup>th</sup> day", "the 5th day"),
        ("so<sup>12,14</sup>.", "so¹²,¹⁴."),
        ("p<sup>*</sup>", "p*"),
        ("a<sup> 2</sup>b", "a ²b"),
        ("a<break/>b", "a b"),
        ("a<bold>b</bold>c", "abc"),
        ("a<!-- not text -->b<?nor this?>c", "abc"),
        ("a<inline-formula><alternatives><!-- no --><tex-math>b</tex-math></alternatives>"
         "</inline-formula>c", "abc"),
        ("one\u00a0two\u2009three\nfour", "one two three four"),
        ("a <list><list-item><p>b</p></list-item><list-item><p>c</p></list-item></list>", "a b c"),
        ("see <ext-link>here</ext-link>.", "see here."),
    ],
)  # fmt: skip
def test_inline_markup(inner: str, expected: str) -> None:
    assert text(inner) == expected


@pytest.mark.parametrize(
    ("math", "expected"),
    [
        ("<m:msup><m:mn>10</m:mn><m:mrow><m:mo>-</m:mo><m:mn>3</m:mn></m:mrow></m:msup>", "10⁻³"),
        ("<m:msub><m:mi>A</m:mi><m:mi>c</m:mi></m:msub>", "A_{c}"),
        ("<m:mfrac><m:mi>a</m:mi><m:mrow><m:mi>b</m:mi><m:mo>+</m:mo><m:mn>1</m:mn></m:mrow></m:mfrac>",
         "a/(b+1)"),
        ("<m:msqrt><m:mi>x</m:mi></m:msqrt>", "√x"),
        ("<m:mover><m:mi>x</m:mi><m:mo>¯</m:mo></m:mover>", "x̄"),
        ("<m:munderover><m:mo>∑</m:mo><m:mn>1</m:mn><m:mi>n</m:mi></m:munderover>", "∑₁ⁿ"),
        ("<m:semantics><m:mi>α</m:mi><m:annotation>\\alpha</m:annotation></m:semantics>", "α"),
        ("<m:mi>cos</m:mi><m:mi>θ</m:mi>", "cos θ"),
        ("<m:mfenced><m:mi>a</m:mi><m:mi>b</m:mi></m:mfenced>", "(a, b)"),
    ],
)  # fmt: skip
def test_mathml(math: str, expected: str) -> None:
    assert text(f"<m:math>{math}</m:math>") == expected


@pytest.mark.parametrize(
    ("tex", "expected"),
    [
        (r"$x^2_{ab}$", "x²_{ab}"),
        (r"\frac{a}{b_1+c}", "a/(b₁+c)"),
        (r"\alpha \leq \infty", "α ≤ ∞"),
        (r"\bar{x} \pm \sigma", "x̄ ± σ"),
        (r"37\,^{\circ}\mathrm{C}", "37 ∘C"),
        (r"\sqrt{x}\left( y \right)", "√x( y )"),
        (r"\documentclass{minimal}\begin{document}$$n = 3$$\end{document}", "n = 3"),
        (r"\mathbf{v}\unknown{w}", "vw"),
        ("{{{{", ""),
        ("^", ""),
        (r"\frac", "/"),
    ],
)
def test_tex(tex: str, expected: str) -> None:
    assert text(f"<tex-math>{tex}</tex-math>") == expected


def test_a_formula_given_twice_is_read_once() -> None:
    both = "<tex-math>$y$</tex-math><m:math><m:mi>y</m:mi></m:math>"
    for way in (f"<alternatives>{both}</alternatives>", both):
        assert text(f"a <inline-formula>{way}</inline-formula> b") == "a y b"


def test_named_entities_of_the_dtd_come_out_as_characters() -> None:
    (tree,) = article_trees(
        b"<article><body><p>a&nbsp;b &alpha;&agr; &gt; 1 &unheard; A&T</p></body></article>", ""
    )
    assert text_of(tree.find("body/p")) == "a b αα > 1 &unheard; A&T"


_CHARACTERS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), max_size=8)
_TAGS = st.sampled_from(["italic", "bold", "sc", "xref", "ext-link", "named-content", "p", "title"])


def _elements(children: st.SearchStrategy[etree._Element]) -> st.SearchStrategy[etree._Element]:
    def build(tag: str, words: str, parts: list[tuple[etree._Element, str]]) -> etree._Element:
        element = etree.Element(tag)
        element.text = words
        for part, tail in parts:
            copied = etree.fromstring(etree.tostring(part))
            copied.tail = tail
            element.append(copied)
        return element

    parts = st.lists(st.tuples(children, _CHARACTERS), max_size=4)
    return st.builds(build, _TAGS, _CHARACTERS, parts)


_leaves = st.builds(etree.Element, _TAGS)


@given(st.recursive(_leaves, _elements, max_leaves=12))
def test_text_is_the_xmls_text_whatever_the_nesting(element: etree._Element) -> None:
    ours = text_of(element)
    assert "".join(ours.split()) == "".join("".join(element.itertext()).split())
    assert ours == " ".join(ours.split())


@given(st.text("0123456789+-=()", min_size=1, max_size=12))
def test_scripts_are_the_same_characters(digits: str) -> None:
    raised = unicodedata.normalize("NFKC", text(f"x<sup>{digits}</sup>y<sub>{digits}</sub>z"))
    assert raised.replace("−", "-") == f"x{digits}y{digits}z"
