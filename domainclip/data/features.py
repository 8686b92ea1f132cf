"""The image features of a split, with all that evaluations and heads ask of its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import normalize

from domainclip.backbones import Backbone, FeatureCache
from domainclip.data import transforms
from domainclip.data._loading import captions_of, normalised
from domainclip.data.classes import Classes, find_classes
from domainclip.data.transforms import Transform
from domainclip.errors import BadInput
from domainclip.pairs import Pair, Pairs

__all__ = ["Split", "split_features"]

_COLUMNS = ("key", "image", "text", "texts", "labels", "group", "sha256")


@dataclass(frozen=True, eq=False)
class Split:
    """n rows of a split whose images could be read, in file order.

    features: (n, d) float32, unit length. labels: (n,) int64 class indices, -1 for none.
    keys, groups: n each. texts: the captions of each row, at least one. classnames: words of the
    classes, by index. skipped: (key, reason) of images that could not be decoded.
    """

    features: Tensor
    labels: Tensor
    keys: tuple[str, ...]
    groups: tuple[str, ...]
    texts: tuple[tuple[str, ...], ...]
    classnames: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.keys)


def split_features(
    backbone: Backbone,
    pairs: Pairs,
    split: str | None,
    *,
    cache: Path | None = None,
    image_px: int | None = None,
    views: str = "plain",
    batch_size: int = 64,
    classnames: Mapping[str, str] | None = None,
    text_roles: Sequence[str] = ("caption",),
    progress: Callable[[int], None] | None = None,
) -> Split:
    """Encode the images of a split (None: all rows), a batch in memory at a time.

    cache: a folder for features by image and weights. Give it for a plain backbone only: it knows
    nothing of an injected adapter. image_px: side of the square that the tower sees. views: see
    ``DataSettings``. progress: is called with the number of rows done.
    """
    classes = find_classes(pairs, classnames)
    size = (image_px, image_px) if image_px is not None else backbone.image_size
    transform = Transform.of(backbone, size, whole=backbone.whole)
    view = f"{views} {size} {transform.resize_mode}"
    store = FeatureCache(cache, backbone, view=view) if cache is not None else None
    rows = _Rows(backbone, transform, classes, store, tuple(text_roles), views)
    batch: list[Pair] = []
    done = 0
    for pair in pairs.rows(_COLUMNS, split=split):
        batch.append(pair)
        if len(batch) == batch_size:
            rows.take(batch)
            done, batch = done + len(batch), []
            if progress is not None:
                progress(done)
    rows.take(batch)
    return rows.split()


class _Rows:
    def __init__(
        self, backbone: Backbone, transform: Transform, classes: Classes,
        store: FeatureCache | None, roles: tuple[str, ...], views: str,
    ) -> None:  # fmt: skip
        self.backbone, self.transform, self.classes = backbone, transform, classes
        self.store, self.roles, self.views = store, roles, views
        self.pairs: list[tuple[str, str, int, tuple[str, ...]]] = []
        self.features: list[Tensor] = []
        self.skipped: list[tuple[str, str]] = []

    def take(self, batch: Sequence[Pair]) -> None:
        known = self.store.get([pair.sha256 for pair in batch]) if self.store is not None else {}
        images: dict[str, Tensor] = {}
        good: list[Pair] = []
        for pair in batch:
            if pair.sha256 not in known and pair.sha256 not in images:
                try:
                    images[pair.sha256] = self.transform.prepare(pair.image)
                except (ValueError, BadInput) as error:
                    self.skipped.append((pair.key, str(error)))
                    continue
            good.append(pair)
        if images:
            stacked = torch.stack(list(images.values()))
            pixels = normalised(stacked, self.backbone.mean, self.backbone.std)
            each = [
                self.backbone.encode_image(view, batch_size=len(view))
                for view in transforms.views(pixels, self.views)
            ]
            encoded = each[0] if len(each) == 1 else normalize(torch.stack(each).mean(0), dim=1)
            fresh = dict(zip(images, encoded, strict=True))
            if self.store is not None:
                self.store.put(fresh)
            known |= fresh
        for pair in good:
            label = self.classes.index(pair.labels)
            captions = tuple(captions_of(pair, self.roles))
            self.pairs.append((pair.key, pair.group, label, captions))
            self.features.append(known[pair.sha256])

    def split(self) -> Split:
        width = self.backbone.embed_dim
        keys, groups, labels, texts = zip(*self.pairs, strict=True) if self.pairs else ((),) * 4
        return Split(
            features=torch.stack(self.features) if self.features else torch.zeros(0, width),
            labels=torch.tensor(labels, dtype=torch.int64),
            keys=keys,
            groups=groups,
            texts=texts,
            classnames=self.classes.names,
            skipped=tuple(self.skipped),
        )
