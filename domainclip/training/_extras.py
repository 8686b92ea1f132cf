"""What objectives ask for beside the two features of a batch (``objectives._protocol``)."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from domainclip.errors import BadInput, UnknownName, UsageError
from domainclip.objectives._protocol import Words, numbers_of, parts_of, wants_of
from domainclip.text._masking import WordMask
from domainclip.training._encoder import Encoder
from domainclip.training._precision import in_half, stays_single
from domainclip.training._teacher import Teacher

__all__ = ["Extras"]


class Extras:
    """Everything that an objective wants, for batch after batch. trained: the adapter's weights.

    parts: the objective's own weights, which train with the adapter's, in float32; None for none.
    teacher: of the objective's choice, or the model as it is when this is made. epoch: which words
    of a pair are masked depends on (seed, epoch, its key): not on ranks, chunks, or a restart.
    """

    def __init__(
        self, objective: Any, encoder: Encoder, trained: Sequence[nn.Parameter], *, seed: int
    ) -> None:
        self.wants = wants_of(objective)
        self._objective, self._encoder = objective, encoder
        self._seed, self.epoch = seed, 0  # of which words are masked
        self._masks = WordMask(encoder.backbone) if "masked" in self.wants else None
        self.parts: nn.Module | None = None
        if "parts" in self.wants:
            with torch.random.fork_rng():
                torch.manual_seed(seed)
                self.parts = stays_single(
                    parts_of(objective, encoder.backbone.embed_dim, self._words)
                )
        model = encoder.backbone.model
        taught = {"teacher", "crops"} & set(self.wants)
        self._teacher = _taught_by(encoder, objective) if taught else None
        self._average = copy.deepcopy(model) if "momentum" in self.wants else None
        if self._average is not None:  # in half precision it would not move
            self._average.requires_grad_(False).float().eval()
        self._weights = [
            (weight, weight.detach().clone()) for weight in trained if "weights" in self.wants
        ]

    def of(
        self, batch: Any, x: Tensor, known: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        """Name -> value, for a batch with images x (b, 3, h, w). known: what the image's own
        feature brought along."""
        found = dict(known or {})
        for name in self.wants:
            if name not in found:
                found[name] = getattr(self, f"_{name}_of")(batch, x)
        return found

    @property
    def _words(self) -> Words | None:
        masks = self._masks
        return None if masks is None else Words(masks.width, *masks.words.weight.shape)

    def after_step(self) -> None:
        """Move the average model towards the trained one, and whatever parts do after a step."""
        for part in self.parts.modules() if self.parts is not None else ():
            after = getattr(part, "after_step", None)
            if after is not None:
                after()
        if self._average is None:
            return
        decay = float(self._objective.momentum)
        with torch.no_grad():
            named = dict(self._encoder.backbone.model.state_dict())
            for name, value in self._average.state_dict().items():
                if value.is_floating_point():
                    value.lerp_(named[name].to(value), 1 - decay)

    def state(self) -> dict[str, dict[str, Tensor]]:
        """What a checkpoint must hold beside the trained weights: the average, and what parts keep
        that does not train."""
        average = {} if self._average is None else dict(self._average.state_dict())
        return {"average": average, "parts": {name: z.detach() for name, z in self._kept()}}

    def load_state(self, state: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Go on with an average and with parts."""
        if self._average is not None and state.get("average"):
            self._average.load_state_dict(dict(state["average"]))
        for name, tensor in list(self._kept()):
            saved = state.get("parts", {}).get(name)
            if saved is not None:  # of another shape where it waits for a step
                tensor.data = saved.to(tensor.device, copy=True)

    def _kept(self) -> Iterator[tuple[str, Tensor]]:
        if self.parts is not None:
            yield from self.parts.named_buffers()
            yield from ((n, p) for n, p in self.parts.named_parameters() if not p.requires_grad)

    def _teacher_of(self, batch: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        assert self._teacher is not None
        return self._teacher.features(x, batch.captions)

    def _crops_of(self, batch: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        assert self._teacher is not None
        return self._teacher.crops(x, int(self._objective.grid))

    def _views_of(self, batch: Any, x: Tensor) -> Tensor:
        views: Tensor = batch.views
        z = self._encoder.pixels(views.flatten(0, 1).to(x.dtype))
        return z.reshape(*views.shape[:2], -1)

    def _second_of(self, batch: Any, x: Tensor) -> Tensor:
        make = getattr(self._objective, "second_texts", None)
        return self._encoder.captions(batch.seconds if make is None else make(batch))

    def _negatives_of(self, batch: Any, x: Tensor) -> Tensor:
        make = getattr(self._objective, "negative_texts", None)
        texts = make(batch) if make is not None else batch.negatives
        counts = {len(each) for each in texts}
        if len(counts) > 1 or counts == {0}:
            raise UsageError(
                f"{type(self._objective).__name__} wants equally many texts in the role 'negative' "
                f"of every pair, and pairs have {sorted(counts)}."
            )
        flat = [text for each in texts for text in each]
        return self._encoder.captions(flat).reshape(len(texts), counts.pop(), -1)

    def _negative_images_of(self, batch: Any, x: Tensor) -> Tensor:
        has = torch.tensor([bool(text) for text in batch.negative_captions], dtype=torch.bool)
        images = batch.negative_images
        if images is None:  # a rank without any reads an image too: others may wait for it
            return 0 * self._encoder.pixels(x[:1]).expand(len(x), -1)
        z = self._encoder.pixels(images.to(x.dtype))
        places = has.nonzero()[:, 0].to(z.device)
        return z.new_zeros(len(x), z.shape[1]).index_copy(0, places, z)

    def _regions_of(self, batch: Any, x: Tensor) -> Tensor:
        rows = self._objective.region_texts(batch)
        texts = dict.fromkeys(text for row in rows for text in row if text)
        z = self._encoder.captions(list(texts) or [""])
        z = torch.cat([z, torch.zeros_like(z[:1])])
        at = {text: number for number, text in enumerate(texts)}
        places = [[at.get(text, len(z) - 1) for text in row] for row in rows]
        width = len(places[0]) if places else 1
        return z[torch.tensor(places, dtype=torch.int64, device=z.device).reshape(len(rows), width)]

    def _patches_of(self, batch: Any, x: Tensor) -> Tensor:
        return self._encoder.pixels_and_patches(x)[1]

    def _words_of(self, batch: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        from domainclip.backbones.dense import text_tokens

        backbone = self._encoder.backbone
        return text_tokens(backbone, backbone.tokenize(batch.captions))

    def _masked_of(self, batch: Any, x: Tensor) -> tuple[Tensor, Tensor, nn.Embedding]:
        assert self._masks is not None
        numbers = numbers_of(batch.keys, torch.device("cpu")).tolist()
        places = [(self._seed, self.epoch, number % 2**64) for number in numbers]
        ids, targets = self._masks(batch.captions, places)
        hidden = self._encoder.hidden(ids)
        return hidden, targets[:, : hidden.shape[1]], self._masks.words

    def _momentum_of(self, batch: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        assert self._average is not None
        self._average.to(x.device)
        with torch.no_grad(), in_half(x) as seen:
            image = self._average.encode_image(seen, normalize=not self._encoder.raw)
            if not getattr(self._objective, "averaged_views", True):
                return image, image[:, None][:, :0]
            views = batch.views.flatten(0, 1).to(seen.dtype)
            more = self._average.encode_image(views, normalize=not self._encoder.raw)
        return image, more.reshape(*batch.views.shape[:2], -1)

    def _parts_of(self, batch: Any, x: Tensor) -> nn.Module:
        assert self.parts is not None
        return self.parts

    def _weights_of(self, batch: Any, x: Tensor) -> list[tuple[nn.Parameter, Tensor]]:
        return [(weight, start.to(weight)) for weight, start in self._weights]


def _taught_by(encoder: Encoder, objective: Any) -> Teacher:
    try:
        return Teacher(encoder, getattr(objective, "teacher", None))
    except (BadInput, UnknownName, UsageError) as error:
        raise UsageError(f"objective.teacher: {error}") from error
