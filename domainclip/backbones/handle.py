"""The backbone's handle: the same few verbs over every open_clip model."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from domainclip.backbones.pictures import to_rgb
from domainclip.backbones.shortening import encode_ids
from domainclip.backbones.sites import Site, Tower, find_sites
from domainclip.catalogue import load
from domainclip.errors import UsageError

__all__ = ["DEFAULT_TEMPLATES", "Backbone"]

DEFAULT_TEMPLATES = ("a photo of a {}.",)


class Backbone:
    """An ordinary open_clip model with its preprocessing and tokenizer.

    model: ``open_clip.CLIP`` or ``CustomTextCLIP``; adapters change it in place. preprocess: PIL
    image -> (3, h, w). Features are unit length; d is ``embed_dim``. The ``encode_*`` methods and
    ``classifier`` need no gradient and give float32; ``image``, ``text`` and ``class_text`` are
    differentiable and leave train and eval mode to the caller.
    """

    def __init__(
        self,
        model: nn.Module,
        preprocess: Callable[[Any], Tensor],
        tokenizer: Callable[..., Tensor],
        *,
        name: str,
        pretrained: str | None = None,
        config: dict[str, Any] | None = None,
    ) -> None:
        self.model: Any = model
        self.preprocess = preprocess
        self.tokenizer: Any = tokenizer
        self.name, self.pretrained = name, pretrained
        self.config = config or {}
        self._hash: str | None = None
        self._image: Callable[[Tensor], Tensor] = self.image  # compiled, where asked for
        self._text: Callable[[Tensor], Tensor] = self.text
        shape = model.visual.image_size  # type: ignore[union-attr]
        self.image_size: tuple[int, int] = (
            (int(shape), int(shape)) if isinstance(shape, int) else (int(shape[0]), int(shape[1]))  # type: ignore[index]
        )
        described = getattr(model.visual, "preprocess_cfg", None) or {}
        self.mean: tuple[float, ...] = tuple(described.get("mean", (0.0, 0.0, 0.0)))
        self.std: tuple[float, ...] = tuple(described.get("std", (1.0, 1.0, 1.0)))
        self.interpolation: str = described.get("interpolation", "bicubic")

    def __repr__(self) -> str:
        return f"Backbone({self.name!r}, pretrained={self.pretrained!r}, device={self.device})"

    # what it is

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        return next(self.model.parameters()).dtype

    @property
    def embed_dim(self) -> int:
        """Width d of both towers' features."""
        if "embed_dim" in self.config:
            return int(self.config["embed_dim"])
        with torch.no_grad():
            return int(self.text(self.tokenize(["a"]).to(self.device)).shape[-1])

    @property
    def context_length(self) -> int:
        """Token positions of the text tower."""
        length = getattr(self.tokenizer, "context_length", None)
        return int(length or self.model.context_length)

    @property
    def logit_scale(self) -> Tensor:
        """The factor on cosines (already exponentiated), differentiable; a scalar."""
        scale: Tensor = self.model.logit_scale.exp()
        return scale

    @property
    def logit_bias(self) -> Tensor | None:
        """SigLIP's additive bias, else None."""
        return getattr(self.model, "logit_bias", None)

    def sites(self, tower: Tower, kinds: Collection[str] | None = None) -> list[Site]:
        """The addressable weights of a tower; see ``backbones.sites``."""
        return find_sites(self.model, tower, kinds)

    def weights_hash(self) -> str:
        """sha256 of the weights as they were when first asked for: names, dtypes, shapes, bytes.

        An adapter asks before it is injected, so the hash is that of the plain backbone.
        """
        if self._hash is None:
            digest = hashlib.sha256()
            for key, value in sorted(self.model.state_dict().items()):
                value = value.detach().cpu().contiguous()
                digest.update(f"{key} {value.dtype} {tuple(value.shape)}\n".encode())
                digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
            self._hash = digest.hexdigest()
        return self._hash

    def weights_changed(self) -> None:
        """Forget the hash: a merged adapter makes another backbone of this one."""
        self._hash = None

    def to(self, device: str | torch.device | None = None, dtype: Any = None) -> Backbone:
        """Move in place; returns itself."""
        self.model.to(device=device, dtype=dtype)
        return self

    def compile(self) -> Backbone:
        """Compile both towers' forwards with torch.compile for ``encode_*``; returns itself."""
        self._image = torch.compile(self.image)
        self._text = torch.compile(self.text)
        return self

    # differentiable

    def image(self, x: Tensor) -> Tensor:
        """Preprocessed images (b, 3, h, w) -> (b, d) of unit length."""
        out = self.model.visual(x)
        return functional.normalize(out[0] if isinstance(out, tuple) else out, dim=-1)

    def text(self, ids: Tensor) -> Tensor:
        """Token ids (b, t) -> (b, d) of unit length, on the shortest exact context."""
        return functional.normalize(encode_ids(self.model, ids), dim=-1)

    def class_text(
        self, classnames: Sequence[str], templates: Sequence[str] | None = None
    ) -> Tensor:
        """Class weights (c, d): each class's prompts encoded, averaged, brought to unit length."""
        templates = _checked(classnames, templates)
        prompts = [_fill(template, name) for name in classnames for template in templates]
        z = self.text(self.tokenize(prompts).to(self.device))  # (c * k, d)
        z = z.reshape(len(classnames), len(templates), -1).mean(1)
        return functional.normalize(z, dim=-1)

    # without gradient

    def tokenize(self, texts: Sequence[str]) -> Tensor:
        """Token ids (n, context_length) of texts, cut where they are too long."""
        ids: Tensor = self.tokenizer(list(texts))
        return ids

    def encode_image(self, images: Any, batch_size: int = 64) -> Tensor:
        """Images -> (n, d) float32 of unit length, on the CPU.

        images: a tensor (n, 3, h, w) that is already preprocessed, or any iterable of PIL images,
        paths, encoded bytes, uint8 arrays or preprocessed tensors (3, h, w).
        """
        forward = self._image
        with self._inference():
            found = [
                forward(batch.to(self.device, self.dtype)).float().cpu()
                for batch in self._image_batches(images, batch_size)
            ]
        return torch.cat(found) if found else torch.zeros(0, self.embed_dim)

    def encode_text(
        self, texts: Sequence[str], long: str = "truncate", batch_size: int = 256
    ) -> Tensor:
        """Texts -> (n, d) float32 of unit length, on the CPU.

        long: what to do with a text beyond the context: a name that ``domainclip list text`` shows.
        """
        if isinstance(texts, str):
            raise UsageError("encode_text takes a list of texts; put the one text into a list.")
        encoder = load("text", long)(batch_size=batch_size)
        encoded: Tensor = encoder.encode(self, list(texts))
        return encoded

    def encode_ids(self, ids: Tensor, batch_size: int = 256) -> Tensor:
        """Token ids (n, t) -> (n, d) float32 of unit length, on the CPU; batched by length."""
        forward = self._text
        lengths = (ids != _filler(ids)).sum(1)
        order = torch.argsort(lengths, stable=True)
        found = torch.zeros(len(ids), 0)
        with self._inference():
            for rows in torch.split(order, batch_size):
                z = forward(ids[rows].to(self.device)).float().cpu()
                if found.shape[1] == 0:
                    found = torch.zeros(len(ids), z.shape[1])
                found[rows] = z
        return found if len(ids) else torch.zeros(0, self.embed_dim)

    def classifier(
        self, classnames: Sequence[str], templates: Sequence[str] | None = None
    ) -> Tensor:
        """Class weights (c, d) of a prompt ensemble: encode, average, unit length; no gradient.

        templates hold ``{}`` for the class name, whose underscores become blanks.
        Reference: Radford et al. 2021, arXiv 2103.00020, section 3.1.4.
        """
        templates = _checked(classnames, templates)
        prompts = [_fill(template, name) for name in classnames for template in templates]
        z = self.encode_text(prompts).reshape(len(classnames), len(templates), -1).mean(1)
        return functional.normalize(z, dim=-1)

    def save(self, path: str | Path) -> Path:
        """Write a folder that ``open_clip.create_model("local-dir:PATH")`` and we can load."""
        from domainclip.backbones.load import save_backbone

        return save_backbone(self, Path(path))

    @contextmanager
    def _inference(self) -> Iterator[None]:
        modes = {module: module.training for module in self.model.modules()}
        self.model.eval()
        cast = (
            torch.autocast("cuda", torch.bfloat16)
            if self.device.type == "cuda" and self.dtype == torch.float32
            else nullcontext()
        )
        try:
            with torch.inference_mode(), cast:
                yield
        finally:
            for module, mode in modes.items():
                module.training = mode

    def _image_batches(self, images: Any, batch_size: int) -> Iterator[Tensor]:
        if isinstance(images, Tensor):
            if images.ndim != 4:
                raise UsageError(
                    f"a tensor of images has shape (n, 3, h, w), and this one {tuple(images.shape)}."
                )
            yield from torch.split(images, batch_size)
            return
        stream = iter(images)
        while chunk := list(islice(stream, batch_size)):
            yield torch.stack(
                [x if isinstance(x, Tensor) else self.preprocess(to_rgb(x)) for x in chunk]
            )


def _checked(classnames: Sequence[str], templates: Sequence[str] | None) -> Sequence[str]:
    if isinstance(classnames, str) or not len(classnames):
        raise UsageError("class names are a list of at least one name.")
    templates = DEFAULT_TEMPLATES if templates is None else templates
    templates = [templates] if isinstance(templates, str) else templates
    for template in templates:
        if "{}" not in template:
            raise UsageError(f"template {template!r} lacks the {{}} where the class name goes.")
    return templates


def _fill(template: str, name: str) -> str:
    return template.replace("{}", name.replace("_", " "))


def _filler(ids: Tensor) -> int:
    """The id that pads: the commonest last one."""
    return int(ids[:, -1].mode().values) if len(ids) else 0
