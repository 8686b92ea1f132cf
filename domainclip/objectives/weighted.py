"""Several objectives at once: loss = Σ w_k loss_k, over the same features.

Each term computes what it does alone. Terms share the encoded images and captions, and whatever
else more than one asks for (views, a teacher, another caption) is encoded once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from torch import Tensor, nn

from domainclip._component import make_component
from domainclip.errors import UsageError
from domainclip.objectives._precision import single_precision
from domainclip.objectives._protocol import Batch, Gather, Words, parts_of, wants_of

__all__ = ["Weighted"]


@dataclass(frozen=True)
class Weighted:
    """terms: objectives as ``{name: infonce, option: ...}``. weights: one finite number from 0 up
    for each, one of them above 0, which need not sum to anything; empty for 1 each.

    Raises UsageError for a term without a name, other weights, and terms that do not go together:
    features of unit length and raw ones, classes and captions, two teachers.
    """

    terms: tuple[Annotated[Mapping[str, Any], "objectives"], ...] = ({"name": "infonce"},)
    weights: Annotated[tuple[Annotated[float, ">= 0"], ...], "not all 0"] = ()

    @single_precision
    def __call__(
        self,
        image: Tensor,
        text: Tensor,
        batch: Batch,
        *,
        logit_scale: Tensor,
        logit_bias: Tensor | None,
        gather: Gather,
        **more: Any,
    ) -> Tensor:
        """The weighted sum; image and text as its terms need them."""
        terms = self._built()
        losses = [
            term(
                image, text, batch, logit_scale=logit_scale, logit_bias=logit_bias, gather=gather,
                **given,
            )
            for term, given in zip(terms, _dealt(terms, batch, more), strict=True)
        ]  # fmt: skip
        weights = self.weights or (1.0,) * len(terms)
        total: Tensor = sum(
            weight * loss.float() for weight, loss in zip(weights, losses, strict=True)
        )
        return total

    @property
    def needs(self) -> str:
        """As its terms."""
        return self._same("needs", "captions")

    @property
    def raw(self) -> bool:
        """As its terms."""
        return self._same("raw", False)

    @property
    def captions(self) -> str:
        """As its terms."""
        return self._same("captions", "pairs")

    @property
    def teacher(self) -> Any:
        """The backbone that those terms name which have a teacher."""
        return self._same("teacher", (), "teacher", "crops")

    @property
    def grid(self) -> Any:
        """Likewise the cells a side that its teacher looks at."""
        return self._same("grid", None, "crops")

    @property
    def momentum(self) -> Any:
        """Likewise the decay of the average model."""
        return self._same("momentum", None, "momentum")

    @property
    def averaged_views(self) -> bool:
        """Whether that average is to see views for any term."""
        return any(getattr(term, "averaged_views", True) for term in self.asking("momentum"))

    @property
    def wants(self) -> tuple[str, ...]:
        """What any term wants."""
        return tuple(dict.fromkeys(name for term in self._built() for name in wants_of(term)))

    @property
    def given_negatives(self) -> bool:
        """Whether any term needs pairs that bring negatives."""
        return any(getattr(term, "given_negatives", False) for term in self._built())

    @property
    def views(self) -> int:
        """As many as the term that wants most."""
        return max(int(getattr(term, "views", 0)) for term in self._built())

    def make_parts(self, dim: int, words: Words | None = None) -> nn.Module:
        """Those of its terms, by their number."""
        made = {
            str(number): parts_of(term, dim, words)
            for number, term in enumerate(self._built())
            if "parts" in wants_of(term)
        }
        return nn.ModuleDict(made)

    def negative_texts(self, batch: Batch) -> list[list[str]]:
        """Those of all terms, one after the other."""
        each = [_negatives(term, batch) for term in self.asking("negatives")]
        return [[text for texts in row for text in texts] for row in zip(*each, strict=True)]

    def region_texts(self, batch: Batch) -> list[list[str]]:
        """Those of the first term that has boxes."""
        first, *more = [term.region_texts(batch) for term in self.asking("regions")]
        if any(texts != first for texts in more):
            raise UsageError("weighted: its terms do not mean the same prompts of boxes.")
        found: list[list[str]] = first
        return found

    def second_texts(self, batch: Batch) -> Sequence[str]:
        """Those of its terms, which are the same for all."""
        asking = self.asking("second")
        each = [list(_seconds(term, batch)) for term in asking]
        if any(texts != each[0] for texts in each):
            named = ", ".join(type(term).__name__ for term in asking)
            raise UsageError(f"weighted: {named} do not mean the same second caption.")
        return each[0] if each else []

    def _same(self, name: str, default: Any, *only: str) -> Any:
        terms = self.asking(*only) if only else self._built()
        found = [getattr(term, name, default) for term in terms]
        if any(each != found[0] for each in found):
            said = ", ".join(
                f"{type(term).__name__} {each!r}" for term, each in zip(terms, found, strict=True)
            )
            raise UsageError(f"weighted: its terms do not go together, {name} is {said}.")
        return found[0] if found else default

    def asking(self, *names: str) -> list[Any]:
        """The terms that want any of these."""
        return [term for term in self._built() if {*names} & {*wants_of(term)}]

    def _built(self) -> list[Any]:
        if not self.terms:
            raise UsageError("weighted: give at least one term, as [{name: infonce}].")
        if self.weights and len(self.weights) != len(self.terms):
            raise UsageError(
                f"weighted: {len(self.terms)} terms and {len(self.weights)} weights; give each one."
            )
        for weight in self.weights:
            if not 0 <= weight < float("inf"):
                raise UsageError(f"weighted: a weight is a number from 0 up, not {weight}.")
        if self.weights and not any(self.weights):
            raise UsageError("weighted: every weight is 0, so there is nothing to train for.")
        return [_made(term) for term in self.terms]


def _made(term: Any) -> Any:
    if not isinstance(term, Mapping) or "name" not in term:
        raise UsageError(f"weighted: a term is {{name: ..., option: ...}}, not {term!r}.")
    options = {key: tuple(v) if isinstance(v, list) else v for key, v in term.items()}
    return make_component("objectives", str(options.pop("name")), options)


def _negatives(term: Any, batch: Batch) -> Sequence[Sequence[str]]:
    make = getattr(term, "negative_texts", None)
    found: Sequence[Sequence[str]] = batch.negatives if make is None else make(batch)
    return found


def _seconds(term: Any, batch: Batch) -> Sequence[str]:
    make = getattr(term, "second_texts", None)
    found: Sequence[str] = getattr(batch, "seconds", ()) if make is None else make(batch)
    return found


def _dealt(terms: Sequence[Any], batch: Batch, more: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What each term wants, in its own share where all terms' lies together."""
    begun = 0
    for number, term in enumerate(terms):
        found = {name: more[name] for name in wants_of(term)}
        if "views" in found:
            found["views"] = more["views"][:, : term.views]
        if "momentum" in found:
            image, views = more["momentum"]
            found["momentum"] = image, views[:, : term.views]
        if "parts" in found:
            found["parts"] = more["parts"][str(number)]
        if "negatives" in found:
            texts = _negatives(term, batch)
            count = len(texts[0]) if len(texts) else 0
            found["negatives"] = more["negatives"][:, begun : begun + count]
            begun += count
        yield found
