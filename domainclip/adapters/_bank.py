"""What adapters do alike that learn from sentences about the classes, which a text bank holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from domainclip.adapters._prompting import PromptAdapter
from domainclip.backbones import Backbone
from domainclip.backbones._streaming import inference
from domainclip.backbones._unit import widened
from domainclip.backbones.shortening import shortened, text_features
from domainclip.banks import class_key, missing, rows_of
from domainclip.errors import UsageError

__all__ = ["BankAdapter", "encode_sentences"]

TOGETHER = 256  # sentences that are encoded in one batch


@dataclass
class BankAdapter(PromptAdapter):
    """bank: a text bank's path (see ``domainclip bank``). texts: class -> its sentences, or rows
    {text, origin}, which come before the bank's. An injected adapter holds here the rows of the
    classes that it is trained on, so they stand in ``adapter.json`` and it loads without the file;
    the file is needed again for classes beyond those."""

    bank: str = ""
    texts: Mapping[str, Sequence[str | Mapping[str, str]]] = field(default_factory=dict)
    _given: Mapping[str, Sequence[str | Mapping[str, str]]] | None = field(
        default=None, init=False, repr=False, compare=False
    )

    def inject(self, backbone: Backbone) -> None:
        """As every prompt adapter. Raises UsageError without a bank, BadInput for a bad one."""
        if self._backbone is None:
            given, self.texts = self.texts, self._rows(self._classnames)
            try:
                super().inject(backbone)
            except BaseException:
                self.texts = given
                raise
            self._given = given
        else:
            super().inject(backbone)

    def eject(self) -> None:
        super().eject()
        self.texts, self._given = self._given or {}, None

    def sentences(self, names: Sequence[str]) -> list[list[str]]:
        """The sentences of each class. Raises UsageError, BadInput naming classes without any."""
        found = self._rows(names)
        return [[row["text"] for row in found[name]] for name in names]

    def _rows(self, names: Sequence[str]) -> dict[str, list[dict[str, str]]]:
        if not self.bank and not self.texts:
            raise UsageError(
                f"{self._name} learns from sentences about the classes, and was given none: write "
                "a text bank, or have one made by `domainclip bank CLASS... -o FILE`, and give "
                "bank=FILE."
            )
        known = {class_key(name): list(map(_row, rows)) for name, rows in self.texts.items()}
        known = {key: rows for key, rows in known.items() if rows}
        others = [name for name in names if class_key(name) not in known]
        if others and not self.bank:
            raise missing(f"texts of {self._name}", others)
        for name, rows in (rows_of(self.bank, others) if others else {}).items():
            known[class_key(name)] = [{"text": row.text, "origin": row.origin} for row in rows]
        return {name: known[class_key(name)] for name in names}


def encode_sentences(
    backbone: Backbone, sentences: Sequence[Sequence[str]], *, unit: bool
) -> list[Tensor]:
    """Sentences of each class -> their features (n, d) of each, on the CPU, without gradient.

    They are encoded in the weights' precision, without dropout, and cut where they are too long.
    unit: of unit length, or as the tower gives them.
    """
    flat = [text for texts in sentences for text in texts]
    ids = backbone.tokenize(flat)
    found = []
    with inference(backbone.model, None):
        for rows in torch.split(ids, TOGETHER) if len(ids) else ():
            short = shortened(backbone.model, rows).to(backbone.device)
            z = text_features(backbone.model, short)
            found.append(widened(z).cpu())
    # joined outside: an inference tensor could not be trained on
    features = torch.cat(found) if found else torch.zeros(0, backbone.embed_dim)
    if unit:
        features = functional.normalize(features, dim=-1)
    return list(torch.split(features, [len(texts) for texts in sentences]))


def _row(row: str | Mapping[str, str]) -> dict[str, str]:
    if isinstance(row, str):
        return {"text": row, "origin": "given"}
    return {"text": row["text"], "origin": row.get("origin", "given")}
