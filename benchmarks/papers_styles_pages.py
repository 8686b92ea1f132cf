"""Made-up articles as HTML for a browser to print: text in columns, floats, heads and feet.

Everything that is gold stands in a link of its own (http://gold/ARTICLE/NAME/PART), so that the
printed file tells where it is. A script in the page fills the columns: it pours the paragraphs
into the boxes one after another, as typesetting programs do, and holds a float that does not fit.
"""

# ruff: noqa: E501 - HTML reads best in one piece

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass, field
from random import Random

from papers_styles_css import style_sheet
from papers_styles_families import Style
from papers_styles_figures import figure_html, mosaic, table_html
from papers_styles_words import Words

__all__ = ["Gold", "article_html"]

_LONG_WORD = re.compile(r"\b[^\W\d_]{8,}\b")
_CITED = re.compile(r"\b(Fig(?:ure|\.)?s? ?\d+[A-D]?|Table \d+|\[\d+\])")


@dataclass(slots=True)
class Gold:
    """What an article has: (kind, number) -> the caption's text without its label."""

    captions: dict[tuple[str, str], str] = field(default_factory=dict)


def article_html(random: Random, style: Style, words: Words, key: str) -> tuple[str, Gold]:
    """One article: its style sheet, pages and script data. key: names its links and classes."""
    return _Article(random, style, words, key).made()


class _Article:
    def __init__(self, random: Random, style: Style, words: Words, key: str) -> None:
        self.random, self.style, self.words, self.key = random, style, words, key
        self.gold = Gold()
        self.pages: list[str] = []
        width, height = style.page
        top, bottom, left, right = style.margins
        self.width, self.height = width - left - right, height - top - bottom
        self.column = (self.width - style.gap * (style.columns - 1)) / style.columns
        self.numbers = {"figure": 0, "table": 0}

    def made(self) -> tuple[str, Gold]:
        random, style = self.random, self.style
        figures, tables = random.randrange(3, 8), random.choice((0, 1, 1, 2, 3))
        apart = style.legends or style.own_pages
        floats = ["table"] * tables + ([] if apart else ["figure"] * figures)
        random.shuffle(floats)
        wide = [kind for kind in floats if style.columns > 1 and random.random() < style.wide]
        narrow = floats[: len(floats) - len(wide)]
        count = max(5, len(floats))
        queue = self._text(count)
        step = max(1, len(queue) // (2 * len(narrow) + 1))
        places: list[list[str]] = [[] for _ in range(count)]
        for at, kind in enumerate(wide):
            places[(1 + at) % count].append(kind)
        for at, kind in enumerate(narrow):
            if style.columns == 1 and random.random() < 0.4:
                places[1 + at % (count - 1)].append(kind)
            else:
                place = (at + 1) * step
                while queue[place - 1]["k"] == "h":  # no heading without its paragraph
                    place += 1
                if kind == "figure" and random.random() < style.wrapped and self.column > 300:
                    made = self._float(kind, round(self.column * random.uniform(0.4, 0.55)))
                    queue.insert(place, {"k": "f", "c": "wrapped", "h": made})
                    continue
                queue.insert(place, {"k": "f", "h": self._float(kind, self.column)})
        for number, kinds in enumerate(places):
            self._page(number, kinds)
        if style.facing:
            self._facing()
        if style.turned or style.landscape:
            self._sideways()
        if apart:
            self._at_end(figures)
        data = json.dumps(queue).replace("</", "<\\/")
        script = f'<script type="queue" data-of="{self.key}">{data}</script>'
        align = random.choice(("left", "right", "center"))
        sheet = style_sheet(style, self.key, self.column, align)
        return sheet + "".join(self.pages) + script, self.gold

    # floats

    def _float(self, kind: str, width: float, height: float = 0, *, plate: bool = False) -> str:
        """A figure or table with its caption."""
        random, style = self.random, self.style
        self.numbers[kind] += 1
        number = str(self.numbers[kind])
        framed = style.frame in ("box", "tint")
        inner = width - (14 if framed else 0)
        inner *= 1 if random.random() < 0.5 or kind == "table" else random.uniform(0.6, 1)
        side = style.table_side if kind == "table" else style.side
        if side in ("left", "right"):
            if width < 330:
                side = "below"
            else:
                inner = (width - 14) * random.uniform(0.55, 0.68)
        if kind == "table":
            body = table_html(
                random, inner, style.table_look, self.words.paragraph(random, "en").split()
            )
        else:
            tall = height or min(random.uniform(0.45, 1.0) * inner, random.uniform(120, 330))
            body = figure_html(random, round(inner, 1), round(max(tall, 70), 1))
        if style.frame == "inner" and kind == "figure":
            body = f'<div style="border:.6pt solid #888;padding:3pt">{body}</div>'
        body = self._link(kind, number, "region", body, "width:fit-content;margin:0 auto")
        caption = self._caption(kind, number, inner, wide=width > self.column + 10)
        gap = random.choice((4, 6, 9))
        if side in ("left", "right"):
            beside = f'<div style="flex:1;align-self:{random.choice(("flex-end", "flex-start"))}">{caption}</div>'
            parts = [f"<div>{body}</div>", beside]
            block = (
                '<div style="display:flex;gap:10pt">'
                + "".join(parts if side == "right" else parts[::-1])
                + "</div>"
            )
        else:
            space = f'<div style="height:{gap}pt"></div>'
            block = "".join((body, space, caption) if side == "below" else (caption, space, body))
        if kind == "table" and side == "above" and random.random() < 0.2:
            note = '<div style="font-size:7pt;line-height:1.2;padding-top:2pt">* P &lt; 0.05; SD, standard deviation.</div>'
            block += self._link(kind, number, "note", note)
        css = {
            "": "", "inner": "",
            "box": "border:.7pt solid #555;padding:6pt;",
            "tint": f"background:{random.choice(('#eef2f8', '#f6f0e4', '#eee'))};padding:6pt;",
            "rules": "border-top:1pt solid;border-bottom:1pt solid;padding:5pt 0;",
            "under": "border-bottom:.7pt solid #777;padding-bottom:4pt;",
        }[style.frame]  # fmt: skip
        return f'<div class="float" style="{css}width:{width}pt">{block}</div>'

    def _caption(self, kind: str, number: str, width: float, *, wide: bool, head: str = "") -> str:
        random, style = self.random, self.style
        taken = set(self.gold.captions.values())
        while True:  # no two captions of an article are alike
            text = self.words.caption(random, style.language)
            if kind == "table":
                text = re.split(r"(?<=[.])\s", text)[0][:200]
            if text not in taken:
                break
        self.gold.captions[kind, number] = text
        form = style.table_label if kind == "table" else style.label
        label = f'<span style="{style.label_css}">{form.replace("N", number)}</span>'
        shown = _marked(text, random)
        if style.bold_title or kind == "table":
            parts = re.match(r"(.{10,160}?\.)(\s.*)", shown, re.DOTALL)
            if parts and "<" not in parts[1]:
                shown = f"<b>{parts[1]}</b>{parts[2]}"
        label += "<br>" if style.label_line else random.choice((" ", " ", " &ensp;"))
        columns = (
            f"column-count:{style.caption_columns};column-gap:14pt;"
            if wide and len(text) > 400
            else ""
        )
        tail = ""
        if style.double and kind == "figure":
            other = self.words.caption(random, "es")[:160]
            word = form.replace("N", number).replace("Figure", "Figura")
            tail = f'<div class="caption">{word} {other}</div>'
        inner = f'<div class="caption" style="{columns}">{head}{label}{shown}</div>'
        if style.hanging and not columns and width > 200:
            inner = (
                f'<div class="caption" style="display:flex;gap:8pt"><div style="white-space:nowrap">'
                f"{label.removesuffix('<br>')}</div><div>{shown}</div></div>"
            )
        return self._link(kind, number, "caption", inner) + tail

    def _link(self, kind: str, number: str, part: str, inner: str, css: str = "") -> str:
        return f'<a class="gold" style="{css}" href="http://gold/{self.key}/{kind}/{number}/{part}">{inner}</a>'

    # pages

    def _page(self, number: int, kinds: list[str]) -> None:
        random, style = self.random, self.style
        top, bottom = [], []
        if number == 0:
            top.append(self._front())
        while kinds:
            place = random.choice((top, top, bottom))
            if len(kinds) > 1 and random.random() < style.paired and self.width > 420:
                pair = [self._float(kinds.pop(), self.width / 2 - 10) for _ in range(2)]
                place.append(
                    f'<div style="display:flex;gap:20pt;align-items:flex-end">{"".join(pair)}</div>'
                )
            else:
                height = random.uniform(110, 260) if style.columns > 1 else 0
                place.append(self._float(kinds.pop(), self.width, height))
        box = ""
        if style.sidebar and number == 1:
            points = "".join(
                f"<li>{self.words.paragraph(random, style.language)[:110]}</li>" for _ in range(4)
            )
            box = f'<div class="sidebar"><b>Key points of the figures</b><ul>{points}</ul></div>'
        numbered = ' data-numbered="1"' if style.numbered_lines else ""
        flows = "".join(
            f'<div class="column">{box if at == 0 else ""}<div class="flow" data-of="{self.key}"{numbered}></div></div>'
            for at in range(style.columns)
        )
        self._add(number, f'{"".join(top)}<div class="columns">{flows}</div>{"".join(bottom)}')

    def _add(self, number: int, inner: str, *, turn: str = "") -> None:
        style = self.style
        head = style.head.replace("#", str(number + 1))
        foot = style.foot.replace("#", str(number + 1))
        marks = ""
        if not self.pages:
            marks = '<a href="http://gold/x/start" style="position:absolute;top:1pt">&ensp;</a>'
        if style.watermark:
            marks += "".join(
                f'<div class="mark" style="top:{at}pt">{style.watermark}</div>'
                for at in (120, 360, 600)
            )
        rule = "border-bottom:.5pt solid;" if number % 3 or len(head) > 30 else ""
        self.pages.append(
            f'<section class="{self.key} {turn}"><div class="head" style="{rule}">{head}</div>'
            f'<div class="body">{inner}</div><div class="foot">{foot}</div>{marks}</section>'
        )

    def _front(self) -> str:
        random = self.random
        title = self.words.caption(random, self.style.language)[:90]
        abstract = self.words.paragraph(random, self.style.language)
        logo = f'<img src="{mosaic(random, 60, 24)}" style="width:60pt;height:24pt;float:right">'
        css = random.choice(("", "background:#eee;padding:6pt", "border:.5pt solid;padding:6pt"))
        return (
            f'<div style="margin-bottom:10pt">{logo}<div style="font-size:17pt;line-height:1.15;text-align:left">{_safe(title)}</div>'
            f'<p class="rest" style="font-size:10pt">Anna Author<sup>1</sup>, Ben Brown<sup>2</sup></p>'
            f'<div style="{css}"><p class="rest"><b>Abstract</b> {_safe(abstract)}</p></div></div>'
        )

    def _facing(self) -> None:
        """A picture that fills a page; its caption heads the next."""
        self.numbers["figure"] += 1
        number = str(self.numbers["figure"])
        body = figure_html(self.random, round(self.width, 1), round(self.height - 30, 1))
        self._add(90, self._link("figure", number, "region", body))
        head = '<div style="font-size:7pt">(See figure on previous page.)</div>'
        caption = self._caption("figure", number, self.width, wide=True, head=head)
        flows = (
            f'<div class="column"><div class="flow" data-of="{self.key}"></div></div>'
            * self.style.columns
        )
        self._add(91, f'{caption}<div style="height:12pt"></div><div class="columns">{flows}</div>')

    def _sideways(self) -> None:
        """A figure or table on a page of its own: the page is turned, or only what is on it."""
        style = self.style
        kind = self.random.choice(("figure", "table"))
        if style.landscape:
            made = self._float(kind, style.page[1] - 130, style.page[0] * 0.5)
            self._add(92, made, turn="landscape")
            return
        made = self._float(kind, self.height - 10, self.width * 0.6)
        css = (
            f"position:absolute;left:0;top:0;transform-origin:0 0;width:{self.height - 10}pt;"
            f"transform:translate(0,{self.height - 5}pt) rotate(-90deg)"
        )
        self._add(93, f'<div style="{css}">{made}</div>')

    def _at_end(self, figures: int) -> None:
        random, style = self.random, self.style
        if style.own_pages:
            for at in range(figures):
                height = random.uniform(150, 330)
                self._add(100 + at, self._float("figure", self.width, height))
            return
        captions = [
            self._caption("figure", str(at + 1), self.width, wide=True) for at in range(figures)
        ]
        listed = [
            f'<div style="margin-bottom:{style.size}pt">{caption}</div>' for caption in captions
        ]
        lengths = [len(self.gold.captions["figure", str(at + 1)]) for at in range(figures)]
        page, used, first = [], 0.0, '<p class="h">Figure legends</p>'
        per_line = self.width / (0.44 * style.size)
        for block, length in zip(listed, lengths, strict=True):
            need = (length / per_line + 3) * style.size * style.leading
            if page and used + need > self.height - 60:
                self._add(99, first + "".join(page))
                page, used, first = [], 0.0, ""
            page.append(block)
            used += need
        self._add(99, first + "".join(page))
        named = random.choice(("above", "below", "none"))
        for at in range(figures):
            width = self.width * random.uniform(0.6, 1)
            body = figure_html(random, round(width, 1), round(random.uniform(200, 450), 1))
            body = self._link("figure", str(at + 1), "region", body, "width:fit-content")
            word = style.label.replace("N", str(at + 1)).rstrip(".:")
            label = "" if named == "none" else f'<p class="rest">{word}</p>'
            self._add(110 + at, label + body if named == "above" else body + label)

    # text

    def _text(self, pages: int) -> list[dict[str, str]]:
        random, style = self.random, self.style
        letters = pages * self.width * self.height / (0.44 * style.size**2 * style.leading)
        queue: list[dict[str, str]] = []
        done = 0.0
        references = True
        while done < letters:
            text = self.words.paragraph(random, style.language)
            if random.random() < 0.15:
                word = style.label.split("N")[0].strip().title()
                text = random.choice((f"{word} {random.randrange(1, 6)} shows that ",
                                      f"{word} {random.randrange(1, 6)}A, B and ")) + text  # fmt: skip
            if random.random() < 0.12:
                queue.append({"k": "h", "h": " ".join(text.split()[:4]).rstrip(".,")})
            shown = _safe(text)
            if style.link_css:
                shown = _CITED.sub(
                    lambda m: f'<span class="link">{m[0].replace(" ", " ")}</span>', shown
                )
            if style.drop_cap and not queue:
                shown = f'<span class="drop">{shown[0]}</span>{shown[1:]}'
            queue.append({"k": "p", "h": shown})
            if random.random() < 0.06:
                queue.append(
                    {
                        "k": "e",
                        "h": "<i>E</i>(<i>x</i>) = Σ <i>a</i><sub>i</sub><i>x</i><sup>2</sup> + ε &emsp; (1)",
                    }
                )
            done += len(text)
            if done > 0.85 * letters and references:
                queue.append({"k": "h", "h": "References"})
                for at in range(40):
                    title = self.words.caption(random, style.language)[:120]
                    shown = (
                        f"{at + 1}. Author A, Other B. {title}. J Res. {1990 + at % 25};{at}:1–9."
                    )
                    queue.append({"k": "p", "c": "ref", "h": _safe(shown)})
                    done += 0.7 * len(shown)
                references = False
        return queue


def _safe(text: str) -> str:
    """The text as HTML, with the places marked at which long words may be divided."""
    return html.escape(_LONG_WORD.sub(_divided, text), quote=False)


def _divided(word: re.Match[str]) -> str:
    at = len(word[0]) // 2
    return f"{word[0][:at]}\u00ad{word[0][at:]}"


def _marked(text: str, random: Random) -> str:
    """The caption with some words in italics and some numbers raised."""
    words = []
    for word in text.split():
        shown = _safe(word)
        if random.random() < 0.02 and word.isalpha():
            shown = f"<i>{shown}</i>"
        elif re.fullmatch(r"\([A-H]\)", word) and random.random() < 0.7:
            shown = f"<b>{shown}</b>"
        elif random.random() < 0.01:
            shown += "<sup>2</sup>"
        words.append(shown)
    return " ".join(words)
