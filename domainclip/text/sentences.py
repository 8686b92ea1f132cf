"""Read a long text sentence by sentence and pool what the tower says of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from domainclip.backbones.handle import Backbone
from domainclip.text._pooling import PoolBy, pooled
from domainclip.text._protocol import PieceEncoder, Pieces
from domainclip.text._sentences import Language, check_language, sentences_of
from domainclip.text._tokens import lengths, spread

__all__ = ["Sentences"]


@dataclass(frozen=True)
class Sentences(PieceEncoder):
    """Texts (n) -> (n, d) unit length; a text that fits is encoded as ``truncate`` would, however
    many sentences it has.

    pool_by: ``mean`` of the sentences' unit features, weighted by their tokens; ``max`` of each
    dimension; or ``attention``, see ``_pooling``. A sentence beyond the context is halved between
    words, or between letters where it has no blank, until its parts fit. language: whose
    abbreviations end no sentence, ISO 639-1; those that sentencex has rules for. most: sentences
    that are read of a text, at even distances. Any tower can be read so.
    sample: how often, 0 to 1, a long text is one of its sentences in a training step, drawn alike;
    else it is all of them. Drawn where gradients are kept, by PyTorch's own generator: training
    seeds it at every step. Without gradients every sentence is read.
    Reference: of the sampling, ConVIRT, Zhang et al. 2020, arXiv 2010.00747 (its t_u is sample 1).
    Differs: ConVIRT has a sentence in place of every text, also of one that fits.
    """

    pool_by: PoolBy = "mean"
    sample: Annotated[float, ">= 0 <= 1"] = 0.0
    language: Language = "en"
    most: Annotated[int, ">= 1"] = 64

    def __post_init__(self) -> None:
        check_language(self.language)

    def pieces(self, backbone: Backbone, texts: Sequence[str]) -> Pieces:
        """Sentences of the texts that do not fit; the others as they are."""
        fits = lengths(backbone, texts) <= backbone.context_length
        found: list[str] = []
        owners: list[int] = []
        for number, text in enumerate(texts):
            parts = [text] if fits[number] else self._parts(backbone, text)
            found += parts
            owners += [number] * len(parts)
        weights = (lengths(backbone, found) - 2).clamp(min=1).float()
        at = torch.tensor(owners, dtype=torch.int64)
        return Pieces(backbone.tokenize(found), at, weights, fits)

    def pool(self, z: Tensor, pieces: Pieces) -> Tensor:
        """As ``pool_by`` says."""
        return pooled(z, pieces.owners, pieces.weights, self.pool_by)

    def _parts(self, backbone: Backbone, text: str) -> list[str]:
        sentences = sentences_of(text, self.language)
        if self.sample and torch.is_grad_enabled() and float(torch.rand(())) < self.sample:
            sentences = [sentences[int(torch.randint(len(sentences), ()))]]
        chosen = [sentences[at] for at in spread(len(sentences), self.most)]
        needed = lengths(backbone, chosen).tolist()
        parts = [
            part
            for sentence, length in zip(chosen, needed, strict=True)
            for part in (
                [sentence]
                if length <= backbone.context_length
                else _fitting(backbone, sentence, length, self.most)
            )
        ]
        return [parts[at] for at in spread(len(parts), self.most)]


def _fitting(backbone: Backbone, sentence: str, length: int, most: int) -> list[str]:
    """The sentence in about equal parts that fit, ``most`` or a few more at even distances; length:
    positions that it takes."""
    words = sentence.split()
    blank = " " if len(words) > 1 else ""
    units = words if blank else list(sentence)
    if len(units) < 2:
        return [sentence]
    count = min(-(-length // max(backbone.context_length - 2, 1)), len(units))
    cuts = [number * len(units) // count for number in range(count + 1)]
    parts = [blank.join(units[cuts[at] : cuts[at + 1]]) for at in spread(count, most)]
    return [
        each
        for part, needed in zip(parts, lengths(backbone, parts).tolist(), strict=True)
        for each in (
            [part] if needed <= backbone.context_length else _fitting(backbone, part, needed, most)
        )
    ]
