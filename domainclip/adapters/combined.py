"""Several adapters at once: singular values here, LoRA there, learned prompts beside them.

Each part computes what it does alone on the weights that are its own; all train together, by the
first part's schedule in ``few_shot``. Parts that would change one weight are refused, and so are
two that learn prompts, since a class has one.
Reference: the combination of prompts and low-rank weights in the comparison of CLIP-LoRA, Zanella
and Ben Ayed 2024, arXiv 2405.18541.
Differs: any parts that do not meet in a weight may be combined.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from domainclip.adapters._parts import PartAdapter, built
from domainclip.backbones import Backbone
from domainclip.errors import UsageError

__all__ = ["Combined"]


@dataclass
class Combined(PartAdapter):
    """parts: adapters as ``{name: svd, towers: [image]}``, injected in this order. seed: of those
    that have one and were given none."""

    parts: tuple[Annotated[Mapping[str, Any], "adapters"], ...] = ()
    seed: int = 0

    def inject(self, backbone: Backbone) -> None:
        """Inject the parts in their order. Raises UsageError, and leaves nothing, where two of them
        would change one weight or a part does not fit the towers."""
        super().inject(backbone)
        # sentences of a text bank belong to what is saved, so that it loads without the bank's file
        self.parts = tuple(
            {**part, "texts": adapter.texts} if hasattr(adapter, "texts") else part
            for part, (_, adapter) in zip(self.parts, self._parts, strict=True)
        )

    def _make(self) -> Iterator[tuple[str, Any]]:
        if not self.parts:
            raise UsageError(
                "combined: parts lists no adapter; give some, as "
                "[{name: svd, towers: [image]}, {name: coop}]."
            )
        for part in self.parts:
            if not isinstance(part, Mapping) or "name" not in part:
                raise UsageError(f"combined: a part is {{name: ..., option: ...}}, not {part!r}.")
            options = {key: value for key, value in part.items() if key != "name"}
            if part["name"] == "combined":
                raise UsageError("combined: name the parts themselves, not another combination.")
            yield str(part["name"]), built("combined", str(part["name"]), options, self.seed)
