"""The life cycle that prompt adapters share: learned prompts stand in for the class templates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor, nn

from domainclip.adapters._protocol import Schedule
from domainclip.adapters._surgery import Freeze, checked_state
from domainclip.backbones import Backbone
from domainclip.backbones.soft_prompts import (
    Position,
    SoftPrompts,
    encode_prompts,
    prompts_around,
    token_embedding,
    word_vectors,
)
from domainclip.errors import UsageError

__all__ = ["SPREAD", "Context", "PromptAdapter", "Prompts", "first_vectors"]

SPREAD = 0.02  # standard deviation of vectors that start at random, as in CoOp
PLACE = "class_prompts"  # where the learned module lives in the model


class Prompts(nn.Module):
    """Learned vectors as a module of the model, so that they move and are seen with it.

    forward: class names, and image features (b, d) or None -> class texts (c, d), of unit length;
    (b, c, d) where they depend on the image, which ``conditional`` says.
    """

    conditional: ClassVar[bool] = False
    prompts_images: ClassVar[bool] = False  # whether the vectors change image features too

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        # no submodule: the model holds this module, and not the other way round
        self.__dict__["backbone"] = backbone
        # by length and position, of the names asked for last
        self._known: dict[tuple[int, str], tuple[tuple[str, ...], SoftPrompts]] = {}

    @property
    def clip(self) -> Backbone:
        """The backbone whose text tower encodes the prompts."""
        found: Backbone = self.__dict__["backbone"]
        return found

    def __deepcopy__(self, memo: object) -> Prompts:
        raise UsageError("a backbone with learned prompts in it can't be copied; eject them first.")

    def attach(self) -> None:
        """Put what stands outside of the class texts into the towers, before it is injected.

        Raises UsageError, and leaves nothing, where a tower does not take it.
        """

    def detach(self) -> None:
        """Take it out again."""

    def tokens(self, names: Sequence[str], n_ctx: int, position: Position = "end") -> SoftPrompts:
        """The prompts of those classes, tokenised once."""
        key, asked = (n_ctx, position), tuple(names)
        if key not in self._known or self._known[key][0] != asked:
            with torch.inference_mode(False):  # training goes on with what a prediction tokenised
                self._known[key] = asked, prompts_around(self.clip, names, n_ctx, position)
        return self._known[key][1]

    def encoded(self, vectors: Tensor, names: Sequence[str], position: Position) -> Tensor:
        """Vectors (m, w) or (c, m, w) and class names -> (c, d) of unit length."""
        return encode_prompts(self.clip, self.tokens(names, vectors.shape[-2], position), vectors)


class Context(Prompts):
    """One learned context before, after or around every class name.

    context: (m, w), or (c, m, w) where ``own`` names the c classes that have one each.
    """

    def __init__(
        self,
        backbone: Backbone,
        init: str,
        n_ctx: int,
        seed: int,
        *,
        position: Position = "end",
        own: Sequence[str] = (),
    ) -> None:
        super().__init__(backbone)
        self.position, self.own = position, tuple(own)
        generator = torch.Generator().manual_seed(seed)
        self.context = nn.Parameter(first_vectors(backbone, init, n_ctx, generator, len(own)))
        # says by name, before any work, what the tower has no room for
        self.tokens(self.own or ["class"], self.context.shape[-2], position)

    def forward(self, names: Sequence[str], image: Tensor | None = None) -> Tensor:
        if self.own and tuple(names) != self.own:
            raise UsageError(
                "class-specific contexts know the classes that they were trained on alone; use "
                "coop with class_specific false for others."
            )
        return self.encoded(self.context, names, self.position)


@dataclass
class PromptAdapter:
    """What a prompt adapter does beside its prompts; ``_build`` gives the module that learns.

    Class texts (``class_text``, ``classifier``) then come from the learned prompts, whatever the
    templates say; captions are encoded as before.
    """

    # CoOp's; its authors train longer, 50 to 200 epochs by the number of shots
    schedule: ClassVar[Schedule] = Schedule("sgd", 2e-3, 5e-4, 50)
    _backbone: Backbone | None = field(default=None, init=False, repr=False, compare=False)
    _freeze: Freeze | None = field(default=None, init=False, repr=False, compare=False)
    _prompts: Prompts | None = field(default=None, init=False, repr=False, compare=False)
    _classnames: tuple[str, ...] = field(default=(), init=False, repr=False, compare=False)
    _templates: tuple[str, ...] | None = field(default=None, init=False, repr=False, compare=False)

    def for_classes(self, classnames: Sequence[str], templates: Sequence[str]) -> None:
        """The classes it is trained on; call it before ``inject``."""
        self._classnames, self._templates = tuple(classnames), tuple(templates) or None

    def inject(self, backbone: Backbone) -> None:
        """Put the prompts in the place of templates. Raises UsageError."""
        if self._backbone is not None:
            raise UsageError(f"this {self._name} is injected already; eject it first.")
        if backbone.class_prompts is not None:
            raise UsageError(
                f"{self._name}: {backbone.name!r} has learned prompts already, and a class has one "
                "prompt; eject the other adapter first."
            )
        backbone.weights_hash()
        prompts = self._build(backbone).to(backbone.device)
        prompts.attach()
        self._freeze = Freeze(backbone.model)
        self._backbone, self._prompts = backbone, prompts
        backbone.model.add_module(PLACE, prompts)
        backbone.class_prompts = prompts

    def parameters(self) -> Iterator[nn.Parameter]:
        yield from self._in().parameters()

    def state(self) -> dict[str, Tensor]:
        """name -> learned tensor, detached copies on the CPU."""
        return {n: p.detach().cpu().clone() for n, p in self._in().named_parameters()}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take prompts from ``state``. Raises BadInput where names or shapes differ."""
        own = dict(self._in().named_parameters())
        checked_state(self._name, state, own)
        with torch.no_grad():
            for name, parameter in own.items():
                parameter.copy_(state[name])

    def merge(self) -> None:
        """Refused: UsageError. Prompts are inputs, which no weight of the towers can hold."""
        raise UsageError(
            f"{self._name} learns prompts, and prompts cannot be merged into weights; keep the "
            "class weights that clip.classifier(classnames) gives, or save the adapter."
        )

    def eject(self) -> None:
        """Take the prompts out; class texts come from templates again."""
        self._in().detach()
        assert self._backbone is not None and self._freeze is not None
        del self._backbone.model._modules[PLACE]
        self._backbone.class_prompts = None
        self._freeze.thaw()
        self._backbone, self._freeze, self._prompts = None, None, None

    def train(self) -> None:
        """The learned module in training mode."""
        self._in().train()

    def eval(self) -> None:
        self._in().eval()

    def _build(self, backbone: Backbone) -> Prompts:
        raise NotImplementedError

    def _in(self) -> Prompts:
        if self._prompts is None:
            raise UsageError(f"this {self._name} is in no backbone; call inject(backbone) first.")
        return self._prompts

    @property
    def _name(self) -> str:
        return type(self).__module__.rpartition(".")[2]

    def _hand_written(self) -> Tensor:
        """Class texts (c, d) of the templates, as the frozen tower gives them without prompts."""
        backbone = self._backbone
        assert backbone is not None
        if not self._classnames:
            raise UsageError(
                f"{self._name} compares its prompts to class names; call "
                "for_classes(classnames, templates) before it is injected."
            )
        prompts, backbone.class_prompts = backbone.class_prompts, None
        try:
            with torch.no_grad():
                return backbone.class_text(self._classnames, self._templates)
        finally:
            backbone.class_prompts = prompts


def first_vectors(
    backbone: Backbone, init: str, n_ctx: int, generator: torch.Generator, copies: int = 0
) -> Tensor:
    """Vectors (m, w) to start from, or (copies, m, w): the words' embeddings, or at random.

    init: words, whose tokens then say how many vectors there are; empty for ``n_ctx`` random ones.
    """
    if init:
        vectors = word_vectors(backbone, init)
        return vectors.expand(copies, -1, -1).clone() if copies else vectors
    width = token_embedding(backbone.model).embedding_dim
    shape = (copies, n_ctx, width) if copies else (n_ctx, width)
    return (torch.randn(shape, generator=generator) * SPREAD).to(backbone.dtype)
