"""Pairs as a LightningDataModule: the same batches whatever the workers, ranks and restarts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import lightning.pytorch as lightning
import torch
from torch import Tensor

from domainclip.data._loading import Maker, Memory, Share, batches, normalised
from domainclip.data._negatives import check_given
from domainclip.data._partners import Partners
from domainclip.data._regions import check_boxes, check_stays
from domainclip.data._roles import said_of_roles
from domainclip.data.batch import PairBatch, collate
from domainclip.data.classes import find_classes
from domainclip.data.settings import AugmentSettings, DataSettings
from domainclip.data.transforms import Tower, Transform
from domainclip.errors import BadInput, nearest
from domainclip.pairs import Pairs, PairStream

__all__ = ["PairsDataModule"]

_VALIDATED_AT_ONCE = 1_024  # samples of all ranks that one of them reads at once


class PairsDataModule(lightning.LightningDataModule):
    """Training and validation batches of one pairs directory.

    backbone: says what images must look like. classnames: label -> words, see ``find_classes``.
    views, second, regions: what an objective asks for beside one view and one caption, see
    ``PairBatch``; BadInput where views would move regions, and where no pair has any, or a text in
    one of ``settings.text_roles``. negative_images: likewise, and rows that
    are another's wrong caption (``meta.negative_of``) are no samples then. given_negatives:
    BadInput where no training pair has a text in the role ``negative``.
    An image that cannot be decoded is left out of its batch, which names it in ``skipped``.
    A split whose prepared images fit in ``settings.memory_mb`` is decoded once, by all epochs.
    """

    def __init__(
        self,
        pairs: Pairs,
        settings: DataSettings,
        backbone: Tower,
        *,
        seed: int = 0,
        classnames: Mapping[str, str] | None = None,
        views: int = 0,
        second: bool = False,
        regions: bool = False,
        negative_images: bool = False,
        given_negatives: bool = False,
    ) -> None:
        super().__init__()
        if regions:
            check_stays(settings.augment)
            check_boxes(pairs)
        self._roles_said = said_of_roles(pairs, settings.text_roles)
        if given_negatives:
            check_given(pairs)
        self.pairs, self.options, self.seed = pairs, settings, seed
        self.classes = find_classes(pairs, classnames)
        self.class_counts = torch.from_numpy(self.classes.counts(pairs, "train"))
        side = settings.image_px
        self.size = (side, side) if side is not None else backbone.image_size
        self._mean, self._std = tuple(backbone.mean), tuple(backbone.std)
        train = Transform.of(backbone, self.size, augment=settings.augment)
        plain = Transform.of(backbone, self.size, whole=settings.augment.keep_whole)
        roles, chances = settings.text_roles, settings.role_weights
        of_study = settings.second_view if views else None

        def split(name: str, transform: Transform, seed: int | None) -> _Split:
            partners = None
            if of_study is not None or negative_images:
                partners = Partners(pairs, name, second=of_study, negatives=negative_images)
            maker = Maker(
                transform, self.classes, roles, seed, views, second, chances, regions, partners
            )
            return _Split(self, name, maker)

        self._train = split("train", train, seed)
        self._val = split("val", plain, None) if pairs.count_splits().get("val") else None
        self._position = (0, 0)
        self._samples: dict[int, int] = {}

    @property
    def batch_size(self) -> int:
        """Samples to a batch of one rank."""
        return self.options.batch_size

    def said(self) -> Iterator[str]:
        """What training pairs lack of what the recipe and its objective ask for, a line each."""
        if self._roles_said:
            yield self._roles_said
        if self.options.second_view is not None and not self._train.maker.views:
            yield "data.second_view: the objective asks for no views, so it is not used"
        partners = self._train.maker.partners
        yield from partners.said() if partners is not None else ()

    @property
    def same_views(self) -> bool:
        """Whether a training image looks alike in every epoch: nothing augments it."""
        return self.options.augment == AugmentSettings()

    def samples(self, epoch: int) -> int:
        """Training samples of an epoch, from 0, for all ranks together: as many in each, unless
        ``weights`` or ``temperature`` draw fractions of copies."""
        if epoch not in self._samples:
            stream = self._train.stream(1).shard(rank=0, world_size=1)  # its own place
            stream.set_epoch(epoch)
            self._samples[epoch] = stream.total
        return self._samples[epoch]

    def source_weights(self) -> dict[str, float]:
        """Source -> mean copies of a sample an epoch, by ``weights`` and ``temperature``.

        Raises BadInput for weights of sources that no training pair has, or that leave none.
        """
        given, temperature = dict(self.options.weights), self.options.temperature
        if temperature == 1.0 and not given:
            return given
        column = self.pairs.table(["source"], split="train").column("source").to_pylist()
        counts = Counter(str(source or "") for source in column)
        for source in given:
            if source not in counts:
                raise BadInput(
                    f"data.weights: no training pair has the source {source!r}; they have "
                    f"{', '.join(map(repr, sorted(counts)))}.{nearest(source, counts)}"
                )
        wanted = {
            source: given.get(source, 1.0) * count ** (1 / temperature)
            for source, count in counts.items()
        }
        if counts and not sum(wanted.values()):
            raise BadInput("data.weights: every source has weight 0, so nothing is left to train.")
        if temperature == 1.0:
            return given
        scale = len(column) / max(sum(wanted.values()), 1e-12)
        return {source: scale * wanted[source] / counts[source] for source in counts}

    def place(self, epoch: int, consumed: int) -> None:
        """Let training go on in ``epoch``, after ``consumed`` of its samples."""
        self._position = (epoch, consumed)

    def train_dataloader(self) -> _Epochs:
        """The rest of the current epoch each time it is iterated."""
        return _Epochs(self, self._train)

    def val_dataloader(self) -> Any:
        """The validation split in order; empty where there is none."""
        return _Epochs(self, self._val) if self._val is not None else []

    def on_after_batch_transfer(self, batch: PairBatch, dataloader_idx: int) -> PairBatch:
        """Bytes become normalised floats on the device, where that is cheap."""

        def seen(images: Tensor | None) -> Tensor | None:
            return None if images is None else normalised(images, self._mean, self._std)

        return replace(
            batch,
            images=normalised(batch.images, self._mean, self._std),
            views=seen(batch.views),
            negative_images=seen(batch.negative_images),
        )

    def ranks(self) -> tuple[int, int]:
        """(rank, world size) of this process."""
        trainer = self.trainer
        return (trainer.global_rank, trainer.world_size) if trainer is not None else (0, 1)

    def position(self) -> tuple[int, int]:
        """(epoch, consumed) that the next iteration starts from."""
        epoch, consumed = self._position
        now = self.trainer.current_epoch if self.trainer is not None else epoch
        return (epoch, consumed) if now == epoch else (now, 0)


class _Split:
    """One split: its stream, how samples are made, and its memory once it was iterated."""

    def __init__(self, module: PairsDataModule, name: str, maker: Maker) -> None:
        self.module, self.name, self.maker = module, name, maker
        self._memory: Memory | None = None
        self._streams: dict[int, PairStream] = {}

    def stream(self, world_size: int) -> PairStream:
        """For as many ranks; validation deals whole batches of all ranks' samples to each."""
        if world_size not in self._streams:
            options, training = self.module.options, self.name == "train"
            size = options.batch_size
            validated = max(size, min(size * world_size, _VALIDATED_AT_ONCE))
            partners = self.maker.partners
            self._streams[world_size] = self.module.pairs.stream(
                split=self.name,
                seed=self.module.seed,
                world_size=world_size if training else 1,
                batch=size if training else validated,
                columns=self.maker.columns,
                weights=self.module.source_weights() if training else None,
                keep=partners.kept if partners is not None and partners.negatives else None,
                # ranks must take equally many steps; who validates must count each sample once
                last="pad" if training else "keep",
                shuffle=training,
            )
        return self._streams[world_size]

    def batches(self) -> Iterator[PairBatch]:
        rank, world_size = self.module.ranks()
        stream = self.stream(world_size)
        training = self.name == "train"
        stream.set_epoch(*(self.module.position() if training else (0, 0)))
        if self._memory is None and self._fits():
            self._memory = Memory(stream, self.maker)
        found = batches(
            stream,
            self.maker,
            Share(rank, world_size, whole=not training),
            memory=self._memory,
            workers=self.module.options.workers,
            pin=torch.cuda.is_available(),
        )
        some = False
        for batch in found:
            some = True
            yield replace(batch, class_counts=self.module.class_counts)
        if not some and not training:  # Lightning would not tell this rank that all is validated
            yield collate([], self.maker.transform.size)

    def _fits(self) -> bool:
        sizes = self.module.pairs.table(["width", "height"], split=self.name).to_pydict()
        transform = self.maker.transform
        needed = sum(map(transform.stored_bytes, sizes["width"], sizes["height"]))
        return needed <= self.module.options.memory_mb << 20


class _Epochs:
    """Iterable once an epoch. It has no length: the rest of an interrupted epoch is shorter."""

    def __init__(self, module: PairsDataModule, split: _Split) -> None:
        self._module, self._split = module, split

    def __iter__(self) -> Iterator[PairBatch]:
        return self._split.batches()
