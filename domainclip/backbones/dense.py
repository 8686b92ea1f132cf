"""Features of every image position and of every word, in the joint space of images and texts.

An image token is what the tower's own pooling and head give for that position alone. Where an
attention pools (OpenAI's ResNets, SigLIP), that is its value path, since a softmax over one
position is 1. A class token is pooled by the last block: there ``path="value"`` lets each position
attend to itself alone in that block (MaskCLIP's value path), and ``path="projected"`` puts the
block's output at the position through the head, as the class token's. It changes nothing elsewhere.
Reference: MaskCLIP, Zhou, Loy and Dai 2022, arXiv 2112.01071, section 3.2; the value path of an
attention pool also as TaI-DPT has it, arXiv 2211.12739.
Differs: position embeddings of a ResNet's attention pool are left out of the tokens, as TaI-DPT
leaves them out. A text token is the last layer at its position through the text projection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from domainclip.backbones._unit import unit as to_unit
from domainclip.backbones.shortening import projected, used_positions
from domainclip.errors import UnfitTower, UsageError

if TYPE_CHECKING:
    from domainclip.backbones.handle import Backbone

__all__ = [
    "Path",
    "check_dense",
    "dense_image",
    "dense_text",
    "hidden_text",
    "hidden_width",
    "image_tokens",
    "real_positions",
    "text_tokens",
]

Path = Literal["value", "projected"]
# positions that stand alone at once: attention kernels take less than 65536 heads in all
_AT_ONCE = 2048


def image_tokens(backbone: Backbone, x: Tensor, *, path: Path = "value") -> Tensor:
    """Preprocessed images (b, 3, h, w) -> tokens (b, n, d) of unit length, row by row of the image.

    The pooled position is not among them. Differentiable. Raises UsageError, naming the tower, for
    one that has no such tokens.
    """
    return dense_image(backbone, x, path=path)[1]


def text_tokens(backbone: Backbone, ids: Tensor) -> tuple[Tensor, Tensor]:
    """Token ids (b, t) -> tokens (b, t', d) of unit length, and (b, t') true where one is real.

    t' is the shortest exact context. Start and end of text are real, pads are not. Differentiable.
    Raises UsageError, naming the tower, for one that has no such tokens.
    """
    return dense_text(backbone, ids)[1:]


def dense_image(
    backbone: Backbone, x: Tensor, *, path: Path = "value", unit: bool = True
) -> tuple[Tensor, Tensor]:
    """``backbone.image(x)`` (b, d) and ``image_tokens`` (b, n, d) in one pass.

    unit: false leaves both as the tower gives them.
    """
    if path not in ("value", "projected"):
        raise UsageError(f"path is 'value' or 'projected', not {path!r}.")
    way = _image_way(backbone)
    pooled, tokens = way(backbone.model.visual, x.to(backbone.device, backbone.dtype), path)
    return (to_unit(pooled), to_unit(tokens)) if unit else (pooled, tokens)


def dense_text(
    backbone: Backbone, ids: Tensor, *, unit: bool = True
) -> tuple[Tensor, Tensor, Tensor]:
    """``backbone.text(ids)`` (b, d) and ``text_tokens`` (b, t', d), (b, t') in one pass.

    unit: false leaves the tokens as the tower gives them.
    """
    tower, where = _text_place(backbone)
    pooled, hidden = _read_text(backbone, ids)
    own = tower.proj if _wrapped(tower, where) else tower.text_projection
    tokens = projected(hidden, own)
    mask = real_positions(backbone, ids)[:, : tokens.shape[1]].to(tokens.device)
    return pooled, to_unit(tokens) if unit else tokens, mask


def hidden_text(backbone: Backbone, ids: Tensor) -> Tensor:
    """Token ids (b, t) -> (b, t', ``hidden_width``): the text tower's last layer at every position,
    before the projection. Else as ``text_tokens``."""
    return _read_text(backbone, ids)[1]


def hidden_width(backbone: Backbone) -> int:
    """Of ``hidden_text``. Raises UnfitTower, naming the tower, for one that has none."""
    tower, where = _text_place(backbone)
    if _wrapped(tower, where):
        return int(tower.config.hidden_size)
    assert isinstance(where.weight, Tensor)  # of the last normalisation
    return len(where.weight)


def real_positions(backbone: Backbone, ids: Tensor) -> Tensor:
    """Token ids (b, t) -> (b, t) bool: which positions are no pads."""
    used = used_positions(backbone.model, ids)
    if used is None:  # a tower that attends to pads: what a tokenizer fills up with, at the end
        fill = backbone.tokenize(["a"])[0, -1].to(ids.device)
        used = ids.shape[1] - (ids != fill).flip(1).int().argmax(dim=1)
        used = used.where((ids != fill).any(1), 1)
    return torch.arange(ids.shape[1], device=ids.device) < used[:, None]


def check_dense(backbone: Backbone, what: str) -> None:
    """Raises UsageError, naming ``what`` wants tokens, for a tower that has none; runs nothing."""
    try:
        _image_way(backbone)
        _text_place(backbone)
    except UnfitTower as error:
        raise UnfitTower(f"{what}: {error}") from error


def _image_way(backbone: Backbone) -> Callable[[Any, Tensor, Path], tuple[Tensor, Tensor]]:
    visual: Any = getattr(backbone.model, "visual", None)
    if hasattr(visual, "trunk") and hasattr(visual.trunk, "forward_head"):
        return _timm
    if hasattr(visual, "attnpool") and hasattr(visual.attnpool, "c_proj"):
        return _resnet
    blocks = getattr(getattr(visual, "transformer", None), "resblocks", None)
    plain = getattr(visual, "attn_pool", None) is None and hasattr(visual, "ln_post")
    if blocks is not None and plain and visual.pool_type != "none":
        return _vit
    raise UnfitTower(
        f"the image tower of {backbone.name!r} ({type(visual).__name__}) pools in a way that "
        "leaves its positions without a place in the space of texts."
    )


def _resnet(visual: Any, x: Tensor, path: Path) -> tuple[Tensor, Tensor]:
    pool = visual.attnpool
    with _seen(pool) as seen:
        pooled = visual(x)
    ((given, _),) = seen
    return pooled, pool.c_proj(pool.v_proj(given[0].flatten(2).mT))


def _vit(visual: Any, x: Tensor, path: Path) -> tuple[Tensor, Tensor]:
    block = visual.transformer.resblocks[-1]
    with _seen(block) as seen:
        pooled = visual(x)
    pooled = pooled[0] if isinstance(pooled, tuple) else pooled
    ((given, output),) = seen
    if path == "value" and visual.pool_type == "tok":
        # no more of them than come out: learned tokens among them are none of the image's
        tokens = _alone(block.forward, given[0][:, 1 : output.shape[1]])
    else:
        tokens = output[:, 1:]
    return pooled, projected(visual.ln_post(tokens), visual.proj)


def _timm(visual: Any, x: Tensor, path: Path) -> tuple[Tensor, Tensor]:
    trunk = visual.trunk

    def head(features: Tensor) -> Tensor:
        out: Tensor = visual.head(trunk.forward_head(features))
        return out

    by_class_token = path == "value" and getattr(trunk, "global_pool", "") == "token"
    block = trunk.blocks[-1] if by_class_token else nn.Identity()
    with _seen(block) as seen:
        features = trunk.forward_features(x)
    pooled = head(features)
    if features.ndim == 4:
        last = getattr(trunk, "output_fmt", "NCHW") == "NHWC"
        flat = features.flatten(1, 2) if last else features.flatten(2).mT  # (b, n, w)
        place = (1, 1, -1) if last else (-1, 1, 1)
        return pooled, _alone(lambda part: head(part.reshape(len(part), *place)), flat)
    prefix = getattr(trunk, "num_prefix_tokens", 0)
    tokens = features[:, prefix:]
    if by_class_token:
        ((given, _),) = seen
        tokens = trunk.norm(_alone(block.forward, given[0][:, prefix : features.shape[1]]))
    # the position stands in for class and register tokens too, whichever of them is pooled
    return pooled, _alone(lambda part: head(part.expand(-1, prefix + 1, -1)), tokens)


def _alone(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """(b, n, w) -> (b, n, v): a function of sequences (m, 1, w), given each position by itself."""
    parts = [function(part) for part in torch.split(x.reshape(-1, 1, x.shape[-1]), _AT_ONCE)]
    return torch.cat(parts).reshape(*x.shape[:2], -1)


def _text_place(backbone: Backbone) -> tuple[Any, nn.Module]:
    """The text tower, and the module that sees or makes the features of all its positions."""
    tower: Any = getattr(backbone.model, "text", backbone.model)
    pooler, proj = getattr(tower, "pooler", None), getattr(tower, "proj", None)
    if isinstance(pooler, nn.Module) and isinstance(proj, nn.Module):
        return tower, pooler
    final = getattr(tower, "ln_final", None)
    if getattr(tower, "cls_emb", None) is None and isinstance(final, nn.Module):
        return tower, final
    reason = "only its class token lies" if final is not None else "its positions do not lie"
    raise UnfitTower(
        f"the text tower of {backbone.name!r} ({type(tower).__name__}) has no features of words: "
        f"{reason} in the space of images."
    )


def _read_text(backbone: Backbone, ids: Tensor) -> tuple[Tensor, Tensor]:
    """``backbone.text(ids)`` and the last layer at every position, in one pass."""
    tower, where = _text_place(backbone)
    with _seen(where) as seen:
        pooled = backbone.text(ids)
    ((given, output),) = seen
    return pooled, given[0].last_hidden_state if _wrapped(tower, where) else output


def _wrapped(tower: Any, where: nn.Module) -> bool:
    """Whether that is the pooler of a Hugging Face tower in open_clip's wrapping."""
    return where is getattr(tower, "pooler", None)


@contextmanager
def _seen(module: nn.Module) -> Iterator[list[tuple[Any, Any]]]:
    """(positional arguments, output) of the module's calls, in their order."""
    found: list[tuple[Any, Any]] = []
    hook = module.register_forward_hook(lambda _, given, out: found.append((given, out)))
    try:
        yield found
    finally:
        hook.remove()
