"""Captions for adapters that learn from texts: which classes they name, and their features."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from domainclip.backbones import Backbone
from domainclip.backbones.dense import dense_text
from domainclip.backbones.shortening import used_positions
from domainclip.errors import UsageError, nearest

__all__ = ["CaptionFeatures", "named_classes"]

KEPT_BYTES = 4 << 30  # of word features in memory; more captions are encoded at every step again
ENCODED = 256  # captions at once


def named_classes(
    captions: Sequence[str], classnames: Sequence[str], synonyms: Mapping[str, Sequence[str]]
) -> Tensor:
    """(n, c) bool: which classes each caption names, by class name or by one of its synonyms.

    Whole words in any case, in the singular or a plain plural (-s, -es, -y to -ies); blanks,
    underscores and hyphens are one. Raises UsageError for synonyms of no class.
    """
    for name in synonyms:
        if name not in classnames:
            raise UsageError(f"synonyms: {name!r} is no class.{nearest(name, classnames)}")
    patterns = [_pattern([name, *synonyms.get(name, ())]) for name in classnames]
    found = [[bool(each.search(caption)) for each in patterns] for caption in captions]
    return torch.tensor(found, dtype=torch.bool).reshape(len(captions), len(classnames))


def _pattern(names: Sequence[str]) -> re.Pattern[str]:
    # the longest first is not needed: any of them is enough
    words = [_forms(re.split(r"[\s_-]+", name.strip())) for name in names if name.strip()]
    return re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)", re.IGNORECASE)


def _forms(parts: Sequence[str]) -> str:
    """A pattern of one name, its last word in either number."""
    *before, last = parts
    forms = f"{re.escape(last)}(?:e?s)?"
    if re.search(r"[^aeiou]y$", last, re.IGNORECASE):
        forms = f"(?:{forms}|{re.escape(last[:-1])}ies)"
    return r"[\s_-]+".join([*map(re.escape, before), forms])


class CaptionFeatures:
    """Features of captions by the frozen text tower, each caption encoded once.

    batch: rows (b,) -> texts (b, d) and all their words in turn (m, d), of unit length, and (b, t)
    with m trues where a text has a word.
    """

    def __init__(self, backbone: Backbone, captions: Sequence[str]) -> None:
        self._backbone = backbone
        place: dict[str, int] = {}
        self._row = torch.tensor([place.setdefault(text, len(place)) for text in captions])
        self._ids = backbone.tokenize(list(place))
        used = used_positions(backbone.model, self._ids)
        used = torch.full((len(place),), self._ids.shape[1]) if used is None else used
        self._text = torch.zeros(0)
        self._words: list[Tensor] = []
        if int(used.sum()) * backbone.embed_dim * 4 <= KEPT_BYTES:
            self._keep(used.argsort(stable=True))

    def batch(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        device, rows = self._backbone.device, self._row[rows]
        if not self._words:
            with torch.no_grad():
                text, tokens, real = dense_text(self._backbone, self._ids[rows])
            return text, tokens[real], real
        words = [self._words[row] for row in rows.tolist()]
        lengths = torch.tensor([len(each) for each in words])
        real = torch.arange(int(lengths.max())) < lengths[:, None]
        return self._text[rows].to(device), torch.cat(words).to(device), real.to(device)

    def _keep(self, order: Tensor) -> None:
        """Encode all, the short ones together."""
        found: dict[int, Tensor] = {}
        text = torch.zeros(len(order), self._backbone.embed_dim)
        with torch.no_grad():
            for rows in torch.split(order, ENCODED):
                pooled, words, mask = dense_text(self._backbone, self._ids[rows])
                text[rows] = pooled.float().cpu()
                for row, own, real in zip(rows.tolist(), words.cpu(), mask.cpu(), strict=True):
                    found[row] = own[real].float()
        self._text, self._words = text, [found[row] for row in range(len(order))]
