"""Learned vectors in place of words: a text tower run on prompts that no tokenizer can write.

A prompt is tokenised with placeholders where the vectors stand; while it is encoded, a hook on the
tower's token embedding puts the vectors there. So positions, masks, pooling and projection are the
tower's own, whatever its class: open_clip's causal and SigLIP's towers, Hugging Face's BERT. For a
causal CLIP this computes what CoOp's rewritten text encoder does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from domainclip.backbones.blocks import Blocks, replace_text_tokens
from domainclip.errors import UnfitTower, UsageError

if TYPE_CHECKING:
    from domainclip.backbones.handle import Backbone

__all__ = ["Position", "SoftPrompts", "encode_prompts", "prompts_around", "token_embedding",
           "word_vectors"]  # fmt: skip

Position = Literal["end", "middle", "front"]  # of the class name among the vectors


@dataclass(frozen=True, eq=False)
class SoftPrompts:
    """Token ids (c, t) of class prompts, and where the vectors go: ``at`` (c, m) positions."""

    ids: Tensor
    at: Tensor


def prompts_around(
    backbone: Backbone, classnames: Sequence[str], n_ctx: int, position: Position = "end"
) -> SoftPrompts:
    """Prompts of ``n_ctx`` vectors and each class name, ending in a full stop.

    end: vectors, then the name; front: the name, then vectors; middle: half of the vectors, the
    name, the other half (the later one is the longer, as in CoOp). Underscores become blanks. A
    name that is too long is cut, as the tokenizer cuts it. Raises UsageError where no position
    would be left for the name.
    """
    length = backbone.context_length
    special, marker = _frame(backbone)
    if n_ctx < 1 or special + n_ctx + 2 > length:
        raise UnfitTower(
            f"n_ctx is {n_ctx}: the text tower of {backbone.name!r} has {length} positions, so it "
            f"must lie from 1 to {length - special - 2}."
        )
    words = [name.replace("_", " ") for name in classnames]
    # the marker word makes the name's tokens those of a word inside a sentence
    room = length - n_ctx + marker
    rows = backbone.tokenizer([f"X {name}." for name in words], room)
    bare, alone = backbone.tokenizer([f"X {name}" for name in words], room), _alone(backbone)
    start = special + marker
    filler = int(rows[0, start - 1])
    ids, at = [], []
    for row, without in zip(rows, bare, strict=True):
        name = _name_tokens(without, alone)
        tokens = row[start:].tolist()
        before = {"end": n_ctx, "middle": n_ctx // 2, "front": 0}[position]
        ids.append(
            row[:special].tolist() + [filler] * before + tokens[:name]
            + [filler] * (n_ctx - before) + tokens[name:]
        )  # fmt: skip
        first = list(range(special, special + before))
        second = range(special + before + name, special + n_ctx + name)
        at.append(first + list(second))
    return SoftPrompts(torch.tensor(ids)[:, :length], torch.tensor(at))


def encode_prompts(
    backbone: Backbone,
    prompts: SoftPrompts,
    vectors: Tensor,
    deep: tuple[Blocks, Sequence[Tensor]] | None = None,
) -> Tensor:
    """Features (c, d) of unit length; differentiable in ``vectors``.

    vectors: (m, w) for all prompts or (c, m, w), w the width of the tower's token embedding. deep:
    the tower's blocks, and vectors (m, w) that take the place of theirs before the second, third,
    ... block.
    """
    vectors = vectors.expand(len(prompts.ids), -1, -1)
    handles = replace_text_tokens(deep[0], prompts.at, deep[1]) if deep is not None else []
    try:
        with _in_place(token_embedding(backbone.model), prompts.at, vectors):
            return backbone.text(prompts.ids)
    finally:
        for handle in handles:
            handle.remove()


def word_vectors(backbone: Backbone, words: str) -> Tensor:
    """Token embeddings (m, w) of some words, without what the tokenizer puts around them."""
    special, marker = _frame(backbone)
    start = special + marker
    row, bare = backbone.tokenizer([f"X {words} X.", f"X {words}"], backbone.context_length)
    found = row[start : start + _name_tokens(bare, _alone(backbone))]
    weight = token_embedding(backbone.model).weight
    return weight.detach()[found.to(weight.device)].clone()


def token_embedding(model: nn.Module) -> nn.Embedding:
    """The text tower's token embedding."""
    tower: Any = getattr(model, "text", model)
    found = getattr(tower, "token_embedding", None)
    if found is None and hasattr(tower, "transformer"):
        found = tower.transformer.get_input_embeddings()  # Hugging Face
    if not isinstance(found, nn.Embedding):
        raise UsageError(f"no token embedding was found in a {type(tower).__name__}.")
    return found


def _frame(backbone: Backbone) -> tuple[int, int]:
    """Special tokens that open every text, and tokens of the marker word ``X``."""
    rows = backbone.tokenizer(["cat", "dog", "X cat", "X dog"], backbone.context_length)
    special = _shared(rows[0], rows[1])
    return special, _shared(rows[2], rows[3]) - special


def _alone(backbone: Backbone) -> Tensor:
    """The marker word by itself, filled up to the context's length."""
    row: Tensor = backbone.tokenizer(["X"], backbone.context_length)[0]
    return row


def _name_tokens(without: Tensor, alone: Tensor) -> int:
    """How many tokens a name has: what it adds to the marker word ``alone``, no full stop behind.

    A name that ends in a mark keeps it, though a tokenizer joins the full stop to it ("(b)" and
    "." to ")."), as CoOp counts.
    """
    fill = alone[-1]

    def used(row: Tensor) -> int:
        return int((row != fill).nonzero()[-1]) + 1

    return used(without) - used(alone)


def _shared(a: Tensor, b: Tensor) -> int:
    """Length of the common beginning."""
    differ = (a != b).int()
    return int(differ.argmax()) if bool(differ.any()) else len(a)


@contextmanager
def _in_place(embedding: nn.Embedding, at: Tensor, vectors: Tensor) -> Iterator[None]:
    def put(module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
        index = at.to(output.device)[:, :, None].expand(-1, -1, output.shape[-1])
        return output.scatter(1, index, vectors.to(output.dtype))

    hook = embedding.register_forward_hook(put)
    try:
        yield
    finally:
        hook.remove()
