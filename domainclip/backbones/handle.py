"""The backbone's handle: the same few verbs over every open_clip model."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor, nn

from domainclip.backbones._reading import CUT, Reading, reading_of
from domainclip.backbones._streaming import (
    default_autocast,
    image_batches,
    inference,
    text_batches,
)
from domainclip.backbones._unit import unit
from domainclip.backbones._weights import PlainWeights, StateHash, hash_of
from domainclip.backbones._words import breakable, without_marks
from domainclip.backbones.pictures import Preprocess
from domainclip.backbones.prompts import prompts_of
from domainclip.backbones.shortening import shortened, text_features, used_positions
from domainclip.catalogue import load
from domainclip.errors import UsageError

if TYPE_CHECKING:
    from domainclip.backbones.sites import Site, Tower

__all__ = ["Backbone"]


class _TextStrategy(Protocol):
    """See ``domainclip.text``."""

    def pieces(self, backbone: Backbone, texts: Sequence[str]) -> Any: ...
    def read(self, backbone: Backbone, ids: Tensor) -> Tensor: ...
    def pool(self, z: Tensor, pieces: Any) -> Tensor: ...
    def encode(self, backbone: Backbone, texts: Sequence[str], *, batch_size: int) -> Tensor: ...


class _ClassPrompts(Protocol):
    """What an injected prompt adapter puts in place of templates."""

    def __call__(self, classnames: Sequence[str], image: Tensor | None) -> Tensor: ...


class Backbone:
    """An ordinary open_clip model with its preprocessing and tokenizer.

    model: ``open_clip.CLIP``, ``CustomTextCLIP`` or ``CoCa``; adapters change it in place.
    preprocess: picture -> (3, h, w), as the model was evaluated by its makers. config: open_clip's
    ``model_cfg``. autocast: the dtype that ``encode_*`` and ``classifier`` compute in on a GPU
    (bfloat16 where the card has it); None for the weights' own.

    Features are of unit length, d is ``embed_dim``. ``encode_*`` and ``classifier`` keep no
    gradient, run in eval mode (and put the mode back) and give float32 on the CPU. ``image``,
    ``text`` and ``class_text`` are differentiable, stay on the device, and leave train and eval
    mode to the caller.
    """

    def __init__(
        self,
        model: nn.Module,
        preprocess: Preprocess,
        make_tokenizer: Callable[[], Any],
        *,
        name: str,
        pretrained: str | None = None,
        config: dict[str, Any],
    ) -> None:
        """make_tokenizer: called when the first text is met, since some must be fetched."""
        self.model: Any = model
        self.preprocess = preprocess
        self.name, self.pretrained, self.config = name, pretrained, config
        self.autocast = default_autocast(self.device, self.dtype)
        self._make_tokenizer = make_tokenizer
        self._plain, self._state_hash = PlainWeights(model), StateHash(model)
        self._weights_hash: str | None = None
        self._prompt_ids: tuple[tuple[str, ...], Tensor] | None = None
        self.class_prompts: _ClassPrompts | None = None  # of an injected prompt adapter
        self._forward_image: Callable[[Tensor], Tensor] = self._image_features
        self._forward_text: Callable[[Tensor], Tensor] = self._text_features
        self._length_step = 1  # texts are cut to multiples of this
        self.reading: Reading = CUT  # of texts beyond the context

    def __repr__(self) -> str:
        return f"Backbone({self.name!r}, pretrained={self.pretrained!r}, device={self.device})"

    # what it is

    @property
    def device(self) -> torch.device:
        device: torch.device = next(self.model.parameters()).device
        return device

    @property
    def dtype(self) -> torch.dtype:
        dtype: torch.dtype = next(self.model.parameters()).dtype
        return dtype

    @property
    def image_size(self) -> tuple[int, int]:
        """(h, w) pixels that the image tower was made for."""
        return self.preprocess.size

    @property
    def mean(self) -> tuple[float, ...]:
        return self.preprocess.mean

    @property
    def std(self) -> tuple[float, ...]:
        return self.preprocess.std

    @property
    def interpolation(self) -> str:
        return self.preprocess.interpolation

    @property
    def resize_mode(self) -> str:
        """How pictures are fitted into the square, see ``Preprocess``."""
        return self.preprocess.resize_mode

    @property
    def fill_color(self) -> int:
        """Grey of what ``longest`` leaves unfilled, 0..255."""
        return self.preprocess.fill_color

    @property
    def embed_dim(self) -> int:
        """Width d of both towers' features."""
        return int(self.config["embed_dim"])

    @property
    def context_length(self) -> int:
        """Token positions of the text tower."""
        return int(self.config["text_cfg"].get("context_length", 77))

    @cached_property
    def tokenizer(self) -> Any:
        """open_clip's tokenizer of this model; its marks are plain words inside a text. Raises
        BadInput where it must be fetched in vain."""
        return without_marks(self._make_tokenizer())

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
        from domainclip.backbones.sites import find_sites

        return find_sites(self.model, tower, kinds)

    def weights_hash(self) -> str:
        """sha256 of the plain weights, as they were when first asked: names, dtypes, shapes, bytes.

        An adapter asks before it is injected, so that it names the weights it was made for, also
        after it has tuned them. The same on every device and in every process.
        """
        if self._weights_hash is None:
            # without an adapter it is the state's, whose hash is kept: nothing is read twice
            alone = self._plain.are_all_of(self.model.state_dict())
            self._weights_hash = self.state_hash() if alone else hash_of(self._plain.tensors())
        return self._weights_hash

    def weights_changed(self) -> None:
        """Forget the hash: a merged adapter makes another backbone of this one."""
        self._weights_hash = None

    def state_hash(self) -> str:
        """sha256 of all that the towers compute with now, injected adapters included.

        ``weights_hash`` of a plain backbone; changes with every training step, so features can be
        kept under it.
        """
        return self._state_hash()

    def state_dict_plain(self) -> dict[str, Tensor]:
        """The weights by open_clip's names, without what injected adapters added; no copies."""
        return self._plain.tensors()

    def to(
        self, device: str | torch.device | None = None, dtype: torch.dtype | None = None
    ) -> Backbone:
        """Move in place; returns itself."""
        self.model.to(device=device, dtype=dtype)
        self.autocast = default_autocast(self.device, self.dtype)
        return self

    def cpu(self) -> Backbone:
        """``to("cpu")``."""
        return self.to("cpu")

    @property
    def long(self) -> dict[str, Any]:
        """How ``encode_text`` reads texts beyond the context: a name and its options."""
        return dict(self.reading.said)

    @property
    def strategy(self) -> Any:
        """What reads texts beyond the context, as ``long`` names it; see ``domainclip.text``."""
        return self.reading.strategy or load("text", "truncate")()

    def read_long(self, name: str, **options: Any) -> Backbone:
        """Read texts beyond the context so from now on, where nothing else is said; returns itself.

        name: a file of ``domainclip.text``, with its options. An adapter that was trained so sets
        it on loading, and its ``eject`` puts back what was before. Raises UnknownName, UsageError
        (a tower that cannot be read so).
        """
        self.reading = reading_of(self, name, options, chosen=True)
        return self

    def see(self, image_px: int) -> Backbone:
        """Preprocess pictures to squares of that side from now on; returns itself.

        Raises UsageError, as ``check_sees``.
        """
        self.check_sees(image_px)
        self.preprocess = replace(self.preprocess, size=(image_px, image_px))
        return self

    @property
    def whole(self) -> bool:
        """Whether all of a picture is shown, see ``see_whole``."""
        return bool(getattr(self.preprocess, "whole", False))

    def see_whole(self) -> Backbone:
        """Show all of a picture from now on, amid the colour of its border, where the tower's own
        preprocessing cuts the sides off; returns itself. For figures, whose letters reach there.

        An adapter or head that was trained so says it on loading.
        """
        self.preprocess = replace(self.preprocess, whole=True)
        return self

    def check_sees(self, image_px: int) -> None:
        """Raises UsageError where the image tower cannot see squares of that side: one whose
        positions are learned for its own size. Towers of convolutions take any."""
        x = torch.zeros(1, 3, image_px, image_px, device=self.device, dtype=self.dtype)
        try:
            with inference(self.model, None):
                self._image_features(x)
        except (RuntimeError, AssertionError, ValueError) as error:
            raise UsageError(
                f"the image tower of {self.name!r} was made for {self.image_size[0]} pixels and "
                f"cannot see {image_px}; in a recipe give data.image_px=null."
            ) from error

    def compile(self) -> Backbone:
        """``torch.compile`` the forwards of ``encode_*``; worth it from some thousand inputs on.

        Texts are then cut to multiples of 16 positions, so that few lengths are compiled.
        """
        self._forward_image = torch.compile(self._image_features)
        self._forward_text = torch.compile(self._text_features)
        self._length_step = 16
        return self

    # differentiable

    def image(self, x: Tensor) -> Tensor:
        """Preprocessed images (b, 3, h, w) -> (b, d) of unit length."""
        return unit(self.image_raw(x))

    def image_raw(self, x: Tensor) -> Tensor:
        """Preprocessed images (b, 3, h, w) -> (b, d) as the tower gives them."""
        return self._image_features(x.to(self.device, self.dtype))

    def text(self, ids: Tensor) -> Tensor:
        """Token ids (b, t) -> (b, d) of unit length, on the shortest exact context.

        Ids that still lie on the CPU spare the device a wait for their length.
        """
        return unit(self.text_raw(ids))

    def text_raw(self, ids: Tensor) -> Tensor:
        """Token ids (b, t) -> (b, d) as the tower gives them."""
        return self._text_features(self._shortened(ids).to(self.device))

    def texts(self, texts: Sequence[str], long: str | _TextStrategy | None = None) -> Tensor:
        """Texts (n) -> (n, d) of unit length, with gradient: for a training loop of one's own.

        long: as ``encode_text`` has it. All pieces of all texts are read at once.
        """
        strategy = self._strategy_for(texts, long)
        if not len(texts):
            return torch.zeros(0, self.embed_dim, device=self.device)
        pieces = strategy.pieces(self, texts)
        return strategy.pool(strategy.read(self, pieces.ids), pieces)

    def _strategy_for(
        self, texts: Sequence[str], long: str | _TextStrategy | None
    ) -> _TextStrategy:
        if isinstance(texts, str):
            raise UsageError("texts are a list; put the one text into a list.")
        for number, text in enumerate(texts):
            if not isinstance(text, str):
                raise UsageError(
                    f"texts are a list of strings, and number {number} is {text!r}; give '' where "
                    "there is none."
                )
        found = self.strategy if long is None else long
        strategy: _TextStrategy = load("text", found)() if isinstance(found, str) else found
        return strategy

    def class_text(
        self,
        classnames: Sequence[str],
        templates: Sequence[str] | None = None,
        image: Tensor | None = None,
    ) -> Tensor:
        """Class weights (c, d): each class's prompts encoded, averaged, brought to unit length.

        An injected prompt adapter encodes its learned prompts instead, whatever the templates say.
        image: features (b, d) that its prompts may depend on; weights are then (b, c, d).
        """
        if self.class_prompts is not None:
            return self.class_prompts(classnames, image)
        prompts, each = prompts_of(classnames, templates)
        if self._prompt_ids is None or self._prompt_ids[0] != tuple(prompts):
            self._prompt_ids = tuple(prompts), self.tokenize(prompts)
        z = self.text(self._prompt_ids[1])  # (c * k, d)
        return unit(z.reshape(len(classnames), each, -1).mean(1))

    def cosines(self, image: Tensor, text: Tensor) -> Tensor:
        """The logit scale times the cosines (b, c) of features (b, d) and class texts (c, d), or
        texts (b, c, d) of prompts that depend on the image."""
        dots = (image[:, None] * text).sum(-1) if text.ndim == 3 else image @ text.T
        return self.logit_scale * dots

    # without gradient

    def tokenize(self, texts: Sequence[str]) -> Tensor:
        """Token ids (n, context_length) int64 of texts, cut where they are too long."""
        if not len(texts):
            return torch.zeros(0, self.context_length, dtype=torch.int64)
        ids: Tensor = self.tokenizer(breakable(self.tokenizer, texts))
        return ids

    def encode_image(self, images: Tensor | Iterable[Any], batch_size: int = 64) -> Tensor:
        """Images -> (n, d) float32 of unit length, on the CPU; a stream is read batch by batch.

        images: a tensor (n, 3, h, w) that is already preprocessed, or any iterable of PIL images,
        paths, encoded bytes, uint8 arrays (h, w, 3), or preprocessed tensors (3, h, w). Raises
        BadInput for a picture that cannot be read, naming its path.
        """
        with inference(self.model, self.autocast):
            found = [
                unit(self._forward_image(batch.to(self.device, self.dtype))).float().cpu()
                for batch in image_batches(images, self.preprocess, batch_size)
            ]
        # joined outside: an inference tensor could not be trained on
        return torch.cat(found) if found else torch.zeros(0, self.embed_dim)

    def encode_text(
        self,
        texts: Sequence[str],
        long: str | _TextStrategy | None = None,
        batch_size: int = 256,
    ) -> Tensor:
        """Texts -> (n, d) float32 of unit length, on the CPU; equal texts are encoded once.

        long: what is done with a text beyond the context: a name that ``domainclip list text``
        shows, or an instance with options of its own; None as ``read_long`` said, or cut.
        """
        strategy = self._strategy_for(texts, long)
        row: dict[str, int] = {}
        rows = [row.setdefault(text, len(row)) for text in texts]
        encoded = strategy.encode(self, list(row), batch_size=batch_size)
        return encoded if len(row) == len(rows) else encoded[rows]

    def encode_ids(
        self, ids: Tensor, batch_size: int = 256, *,
        read: Callable[[Tensor], Tensor] | None = None,
    ) -> Tensor:  # fmt: skip
        """Token ids (n, t) -> (n, d) float32 of unit length, on the CPU; batched by length.

        read: what makes features (b, d) of ids (b, t) instead, and says whether of unit length.
        """
        used = used_positions(self.model, ids)
        lengths = torch.full((len(ids),), ids.shape[1]) if used is None else used.cpu()
        found = torch.zeros(len(ids), self.embed_dim)
        with inference(self.model, self.autocast):
            for rows in text_batches(lengths, batch_size, self.device):
                found[rows] = (read or self._read)(ids[rows]).float().cpu()
        return found

    def classifier(
        self, classnames: Sequence[str], templates: Sequence[str] | None = None
    ) -> Tensor:
        """Class weights (c, d) of a prompt ensemble: encode, average, unit length; no gradient.

        templates hold ``{}`` for the class name, whose underscores become blanks.
        With a prompt adapter injected, they are those of its learned prompts.
        Reference: Radford et al. 2021, arXiv 2103.00020, section 3.1.4.
        """
        if self.class_prompts is not None:
            with inference(self.model, self.autocast):
                learned = self.class_prompts(classnames, None).float().cpu()
            return learned.clone()
        prompts, each = prompts_of(classnames, templates)
        return unit(self.encode_text(prompts).reshape(len(classnames), each, -1).mean(1))

    def classify(
        self,
        features: Tensor,
        classnames: Sequence[str],
        templates: Sequence[str] | None = None,
        batch_size: int = 64,
    ) -> Tensor:
        """Image features (n, d) of unit length -> logits (n, c) float32 on the CPU, by the class
        texts or by whatever an injected prompt adapter makes of each image."""
        if getattr(self.class_prompts, "conditional", False):
            with inference(self.model, self.autocast):
                found = [
                    self.cosines(x, self.class_text(classnames, templates, x)).float().cpu()
                    for x in torch.split(features.to(self.device, self.dtype), batch_size)
                ]
            return torch.cat(found).clone() if found else torch.zeros(0, len(classnames))
        scale = self.logit_scale.detach().float().cpu()
        return scale * features @ self.classifier(classnames, templates).T

    def save(self, path: str | Path) -> Path:
        """Write a folder that ``open_clip.create_model("local-dir:PATH")`` and we can load.

        It holds the plain weights: merge an adapter first, or save it beside. How long texts are
        read (``long``) and whether pictures are shown whole is recorded and set on loading.
        """
        from domainclip.backbones._folder import save_folder

        return save_folder(self, Path(path))

    def _image_features(self, x: Tensor) -> Tensor:
        features: Tensor = self.model.encode_image(x, normalize=False)
        return features

    def _text_features(self, ids: Tensor) -> Tensor:
        return text_features(self.model, ids)

    def _read(self, ids: Tensor) -> Tensor:
        """As ``text``, compiled where ``compile`` was called."""
        return unit(self._forward_text(self._shortened(ids).to(self.device)))

    def _shortened(self, ids: Tensor) -> Tensor:
        return shortened(self.model, ids, self._length_step)
