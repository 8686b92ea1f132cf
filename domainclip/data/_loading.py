"""Batches of one split, in the stream's order: decoded once into memory, or as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pyarrow.compute as pc
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from domainclip.data._negatives import group_of
from domainclip.data._partners import Partners, row_of
from domainclip.data._regions import regions_of
from domainclip.data.batch import PairBatch, Sample, collate
from domainclip.data.classes import Classes
from domainclip.data.transforms import Transform, seeded
from domainclip.errors import BadInput
from domainclip.pairs import Pair, PairStream

__all__ = ["Maker", "Memory", "Share", "batches"]

COLUMNS = ("key", "image", "text", "texts", "labels", "group", "document")


@dataclass(frozen=True)
class Maker:
    """Turns pairs into samples. The view and caption of sample i depend on (seed, epoch, i) only.

    seed: None for plain views and first captions. views: further views of each image, made like
    the first one, with other random numbers. second: another caption of each pair is drawn too,
    the same where it has no other. chances: role -> how often its captions are drawn, against 1.
    regions: its objects too. partners: rows that give it the first of its further views, and an
    image of a wrong caption; None for none.
    """

    transform: Transform
    classes: Classes
    roles: tuple[str, ...]
    seed: int | None
    views: int = 0
    second: bool = False
    chances: Mapping[str, float] = field(default_factory=dict)
    regions: bool = False
    partners: Partners | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """What must be read of a pair."""
        return (*COLUMNS, "meta", "width", "height") if self.regions else COLUMNS

    def prepare(self, pair: Pair) -> Sample:
        """The sample before anything random, with every caption that it may show."""
        choices = tuple(choices_of(pair, self.roles, self.chances))
        known = Sample(
            pair.key, None, self.classes.index(pair.labels), choices[0][0], choices,
            group=group_of(pair),
            tags=self.classes.indices(pair.labels),
            negatives=tuple(text.text for text in pair.texts if text.role == "negative"),
            regions=regions_of(pair.meta, pair.width, pair.height, self.transform.size)
            if self.regions else (),
        )  # fmt: skip
        try:
            return replace(known, image=self.transform.prepare(pair.image))
        except (ValueError, BadInput) as error:
            return replace(known, reason=str(error))

    def view(
        self, sample: Sample, epoch: int, index: int, fetch: Callable[[int], Sample]
    ) -> Sample:
        """The sample as it is seen in an epoch. fetch: gives another row of its split, prepared."""
        if sample.image is None:
            return sample
        numbers = [0] * (6 + self.views)
        if self.seed is not None:
            place = np.random.SeedSequence((self.seed, epoch, index))
            numbers = place.generate_state(6 + self.views).tolist()
        first, at, step, *more, partner, wrong, wrong_view = numbers
        at = _drawn(sample.choices, at)
        other = (at + 1 + step % max(len(sample.choices) - 1, 1)) % len(sample.choices)
        return replace(
            sample,
            image=self._seen(sample.image, first),
            caption=sample.choices[at][0],
            second=sample.choices[other][0] if self.second else "",
            views=self._views(sample, more, partner, fetch),
            **self._wrong(sample, wrong, wrong_view, fetch),
        )

    def _seen(self, image: Tensor, number: int) -> Tensor:
        """As it is without a seed."""
        return image if self.seed is None else self.transform.view(image, number)

    def _views(
        self, sample: Sample, numbers: Sequence[int], drawn: int, fetch: Callable[[int], Sample]
    ) -> Tensor | None:
        """(v, 3, h, w) uint8, the first one of another image where there is one."""
        if not self.views or sample.image is None:
            return None
        images = [sample.image] * self.views
        rows = self.partners.others(sample.key) if self.partners is not None else ()
        if len(rows):
            other = fetch(int(rows[drawn % len(rows)])).image
            images[0] = sample.image if other is None else other
        return torch.stack([self._seen(*each) for each in zip(images, numbers, strict=True)])

    def _wrong(
        self, sample: Sample, drawn: int, number: int, fetch: Callable[[int], Sample]
    ) -> dict[str, Any]:
        """An image of a caption that is not of the sample's image, and the caption."""
        rows = self.partners.wrong(sample.key) if self.partners is not None else ()
        if not len(rows):
            return {}
        found = fetch(int(rows[drawn % len(rows)]))
        if found.image is None or not found.caption:
            return {}
        image = self._seen(found.image, number)
        return {"negative_image": image, "negative_caption": found.caption}


def choices_of(
    pair: Pair, roles: Sequence[str], chances: Mapping[str, float]
) -> Iterator[tuple[str, float]]:
    """(text, chance) of each of ``captions_of``; a role's chance is shared among its texts."""
    captions = captions_of(pair, roles)
    role_of = {text.text: text.role for text in reversed(pair.texts) if text.role in roles}
    owners = [role_of.get(caption, "caption") for caption in captions]
    weights = [chances.get(role, 1.0) / (owners.count(role) if chances else 1) for role in owners]
    total = sum(weights)
    for caption, weight in zip(captions, weights, strict=True):
        yield caption, weight / total if total > 0 else 1 / len(captions)


def _drawn(choices: Sequence[tuple[str, float]], number: int) -> int:
    """Which of the choices a 32-bit number draws."""
    if len({chance for _, chance in choices}) == 1:
        return number % len(choices)
    place = number / 2**32
    for at, (_, chance) in enumerate(choices):
        place -= chance
        if place < 0:
            return at
    return len(choices) - 1


def captions_of(pair: Pair, roles: Sequence[str]) -> list[str]:
    """The texts of a pair in the roles; its default text where it has none of them."""
    found = [text.text for text in pair.texts if text.role in roles and text.text]
    if "caption" in roles and pair.text and pair.text not in found:
        found.insert(0, pair.text)
    return found or [pair.text]


class Memory:
    """A split decoded once: samples by key, before anything random."""

    def __init__(self, stream: PairStream, maker: Maker) -> None:
        pairs, split = stream.pairs[0], stream.split
        whole = pairs.rows(maker.columns, split=split)
        self.samples = {pair.key: maker.prepare(pair) for pair in whole}
        self._rows: dict[int, Sample] = {}
        if maker.partners is not None:
            column = pairs.table(["split"]).column("split")
            rows = np.flatnonzero(pc.equal(column, split).to_numpy()).tolist()
            self._rows = dict(zip(rows, self.samples.values(), strict=True))

    def __getitem__(self, row: int) -> Sample:
        """By the row's number among all."""
        return self._rows[row]


@dataclass(frozen=True)
class Share:
    """What one rank of an epoch sees: every n-th sample, or with ``whole`` every n-th batch of the
    stream, so that batches are the same whatever the number of ranks."""

    rank: int
    world_size: int
    whole: bool = False

    def of(self, stream: PairStream, worker: int = 0, num_workers: int = 1) -> PairStream:
        """The stream of one of the rank's workers."""
        if not self.whole:
            return stream.shard(
                rank=self.rank, world_size=self.world_size, worker=worker, num_workers=num_workers
            )
        # workers go by turns of a batch
        return stream.shard(
            rank=0, world_size=1,
            worker=worker * self.world_size + self.rank, num_workers=num_workers * self.world_size,
        )  # fmt: skip


def batches(
    stream: PairStream,
    maker: Maker,
    share: Share,
    *,
    memory: Memory | None,
    workers: int,
    pin: bool,
) -> Iterator[PairBatch]:
    """The batches of one rank, from where the stream stands to the end of its epoch."""
    size, start, length = stream.batch, stream.consumed, stream.length
    if memory is not None:
        source = _from_memory(stream, maker, memory, share)
    else:
        source = iter(
            DataLoader(
                _Streamed(stream, maker, share),
                batch_size=size,
                num_workers=workers,
                collate_fn=partial(collate, size=maker.transform.size),
                pin_memory=pin,
            )
        )
    for number, batch in enumerate(source, start=1):
        yield replace(batch, consumed=min(start + number * size * share.world_size, length))


class _Streamed(IterableDataset[Sample]):
    def __init__(self, stream: PairStream, maker: Maker, share: Share) -> None:
        self.stream, self.maker, self.share = stream, maker, share

    def __iter__(self) -> Iterator[Sample]:
        info = get_worker_info()
        worker, workers = (info.id, info.num_workers) if info is not None else (0, 1)
        stream = self.share.of(self.stream, worker, workers)
        pairs, maker = stream.pairs[0], self.maker

        def fetch(row: int) -> Sample:
            return maker.prepare(row_of(pairs, row, maker.columns))

        for pair in stream:
            with seeded():
                yield maker.view(maker.prepare(pair), stream.epoch, stream.index, fetch)


def _from_memory(
    stream: PairStream, maker: Maker, memory: Memory, share: Share
) -> Iterator[PairBatch]:
    mine = share.of(stream)
    mine.columns = ["key"]
    samples: list[Sample] = []
    for pair in mine:
        with seeded():
            sample = memory.samples[pair.key]
            samples.append(maker.view(sample, mine.epoch, mine.index, memory.__getitem__))
        if len(samples) == stream.batch:
            yield collate(samples, maker.transform.size)
            samples = []
    if samples:
        yield collate(samples, maker.transform.size)


def normalised(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """uint8 (b, 3, h, w) -> float32, as the tower wants it."""
    centre = torch.tensor(mean, device=images.device).view(3, 1, 1) * 255
    spread = torch.tensor(std, device=images.device).view(3, 1, 1) * 255
    return images.float().sub_(centre).div_(spread)
