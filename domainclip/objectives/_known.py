"""What is known of a batch in a training loop of one's own; in runs the loader says it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from domainclip.errors import UsageError
from domainclip.objectives._protocol import Region

__all__ = ["Known"]


class Known:
    """A batch of b pairs, ``objectives._protocol.Batch``, of which nothing need be known but the
    captions.

    captions: b texts. labels: (b,) class indices, -1 for none. class_counts: (c,) images of each
    class. groups: b names of what pairs have in common (article, patient), empty for none. tags:
    every class of each pair. negatives: texts that are not of the image. regions: (category, box)
    of each pair's objects. negative_captions: of the images made for wrong texts, empty for none.
    Raises UsageError where they are not b each.
    """

    def __init__(
        self,
        captions: Sequence[str],
        *,
        labels: Tensor | Sequence[int] | None = None,
        class_counts: Tensor | None = None,
        groups: Sequence[str] | None = None,
        tags: Sequence[Sequence[int]] | None = None,
        negatives: Sequence[Sequence[str]] | None = None,
        regions: Sequence[Sequence[Region]] | None = None,
        negative_captions: Sequence[str] | None = None,
    ) -> None:
        b = len(captions)
        self.captions = captions
        self.labels = torch.as_tensor([-1] * b if labels is None else labels, dtype=torch.int64)
        self.class_counts = class_counts
        self.groups = [""] * b if groups is None else groups
        self._tags = tags
        self.negatives = [()] * b if negatives is None else negatives
        self.regions = [()] * b if regions is None else regions
        self.negative_captions = [""] * b if negative_captions is None else negative_captions
        told = {"labels": self.labels, "groups": self.groups, "negatives": self.negatives,
                "regions": self.regions, "negative_captions": self.negative_captions,
                "tags": self.labels if tags is None else tags}  # fmt: skip
        for name, value in told.items():
            if len(value) != b:
                raise UsageError(
                    f"{name} has {len(value)} entries and captions {b}; give one a pair."
                )

    @property
    def tags(self) -> Sequence[Sequence[int]]:
        """As given, or the label of each; read late, since labels may lie on a GPU."""
        if self._tags is not None:
            return self._tags
        return [(label,) if label >= 0 else () for label in self.labels.tolist()]
