"""The blocks of a transformer tower, and vectors put among their tokens while it runs.

Everything is done by hooks on the tower's own modules, so one way serves open_clip's, timm's and
Hugging Face's towers, and what adapters changed in the blocks takes effect.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from domainclip.backbones.sites import Tower, tower_prefix
from domainclip.errors import UnfitTower

if TYPE_CHECKING:
    from domainclip.backbones.handle import Backbone

__all__ = ["Blocks", "append_image_tokens", "replace_text_tokens", "token_blocks"]

_LISTS = ("resblocks", "blocks", "layer", "layers")  # open_clip, timm, Hugging Face
_ATTENTION = ("attn", "attention", "self_attn")
_BEFORE = ("ln_pre", "norm_pre")  # what sees the whole sequence before the first block

Vectors = Callable[[], Tensor]


@dataclass(frozen=True, eq=False)
class Blocks:
    """The blocks of a tower in their order. before: the norm ahead of them, where there is one.
    width: of a token. time_first: tokens are (t, b, width) instead of (b, t, width)."""

    modules: tuple[nn.Module, ...]
    before: nn.Module | None
    width: int
    time_first: bool


def token_blocks(backbone: Backbone, tower: Tower, what: str) -> Blocks:
    """The blocks of a tower. Raises UsageError, naming ``what`` wants them and the tower, for one
    that does not work on a sequence of tokens."""
    model = backbone.model
    prefixes = tower_prefix(model, tower)
    for path, module in model.named_modules():
        parts = path.split(".")
        if parts[0] not in prefixes or parts[-1] not in _LISTS:
            continue
        found = tuple(module.children())
        if not found or not all(any(hasattr(b, n) for n in _ATTENTION) for b in found):
            continue
        owner = model.get_submodule(path.rpartition(".")[0])
        tower_of = model.get_submodule(path.rpartition(".")[0].rpartition(".")[0])
        around = [getattr(m, name, None) for m in (owner, tower_of) for name in _BEFORE]
        before = next((m for m in around if isinstance(m, nn.Module)), None)
        return Blocks(
            found,
            before if tower == "image" else None,
            _width(owner),
            not getattr(owner, "batch_first", True),
        )
    raise UnfitTower(
        f"{what} puts vectors among the tokens of a transformer, and the {tower} tower of "
        f"{backbone.name!r} is none."
    )


def append_image_tokens(blocks: Blocks, vectors: Sequence[Vectors]) -> list[RemovableHandle]:
    """Hooks that add vectors (m, width) to every image's tokens; remove them to take them out.

    vectors[0] stand behind the image's own tokens from before the first block on, vectors[i] in
    their place before block i. After the last block they are cut off, so any pooling is over the
    image's own tokens.
    """
    count: list[int] = []

    def join(x: Tensor) -> Tensor:
        mine = vectors[0]()
        count[:] = [len(mine)]
        return torch.cat([x, mine.to(x).expand(len(x), -1, -1)], dim=1)

    def replace(index: int, x: Tensor) -> Tensor:
        mine = vectors[index]()
        return torch.cat([x[:, : -len(mine)], mine.to(x).expand(len(x), -1, -1)], dim=1)

    def cut(module: nn.Module, given: Any, output: Tensor) -> Tensor:
        return output[: -count[0]] if blocks.time_first else output[:, : -count[0]]

    handles = [_before(blocks, blocks.before or blocks.modules[0], join)]
    handles += [
        _before(blocks, blocks.modules[index], partial(replace, index))
        for index in range(1, len(vectors))
    ]
    return [*handles, blocks.modules[-1].register_forward_hook(cut)]


def replace_text_tokens(
    blocks: Blocks, at: Tensor, vectors: Sequence[Tensor]
) -> list[RemovableHandle]:
    """Hooks that put vectors[i - 1] (m, width) at positions ``at`` (c, m) before block i."""

    def put(mine: Tensor, x: Tensor) -> Tensor:
        index = at.to(x.device)[:, :, None].expand(-1, -1, x.shape[-1])
        return x.scatter(1, index, mine.to(x).expand(len(x), -1, -1))

    return [
        _before(blocks, block, partial(put, mine))
        for block, mine in zip(blocks.modules[1:], vectors, strict=False)
    ]


def _before(
    blocks: Blocks, module: nn.Module, change: Callable[[Tensor], Tensor]
) -> RemovableHandle:
    """A hook that changes a module's first argument, tokens (b, t, width) whatever its order."""

    def changed(x: Tensor) -> Tensor:
        return change(x.transpose(0, 1)).transpose(0, 1) if blocks.time_first else change(x)

    def hook(module: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
        if given:
            return (changed(given[0]), *given[1:]), named
        first = next(iter(named))
        return given, {**named, first: changed(named[first])}

    return module.register_forward_pre_hook(hook, with_kwargs=True)


def _width(owner: Any) -> int:
    for name in ("width", "embed_dim"):
        if isinstance(getattr(owner, name, None), int):
            return int(getattr(owner, name))
    return int(owner.config.hidden_size)  # Hugging Face
