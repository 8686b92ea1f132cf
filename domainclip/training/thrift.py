"""Less work and less memory in a training step: image patches left out, activations made again.

Patch dropout reads a random part of each image's patches at every step, the class token always;
validation and inference read all. Reference: FLIP, Li et al. 2023, arXiv 2212.00794, section 3.1.
Checkpointing keeps each block's input alone and computes the block again for its gradient.
Reference: Chen et al. 2016, arXiv 1604.06174.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

from domainclip.errors import UsageError
from domainclip.training.settings import TrainerSettings

__all__ = ["check_thrift", "switch_patch_dropout", "thrift"]


@contextmanager
def thrift(model: nn.Module, settings: TrainerSettings) -> Iterator[None]:
    """``patch_dropout`` and ``checkpoint_blocks`` of the settings; afterwards all is as it was.

    Raises as ``check_thrift``.
    """
    check_thrift(model, settings)
    share = settings.patch_dropout
    owner, name = _place(model) if share else (None, "")
    before = getattr(owner, name, None)
    checkpointing = getattr(model, "set_grad_checkpointing", None)
    if owner is not None:
        setattr(owner, name, _dropout(owner, name, share).eval())  # until training switches it on
    if settings.checkpoint_blocks:
        checkpointing(True)  # type: ignore[misc]
    try:
        yield
    finally:
        if owner is not None:
            setattr(owner, name, before)
        if settings.checkpoint_blocks:
            checkpointing(False)  # type: ignore[misc]


def check_thrift(model: nn.Module, settings: TrainerSettings) -> None:
    """Raises UsageError for an image tower without patches, or a model whose blocks cannot be
    computed again."""
    if settings.patch_dropout:
        _place(model)
    if settings.checkpoint_blocks and not hasattr(model, "set_grad_checkpointing"):
        raise UsageError(
            f"trainer.checkpoint_blocks: {type(model).__name__} cannot compute its blocks again; "
            "leave it out, or give trainer.chunk."
        )


def switch_patch_dropout(model: nn.Module, *, on: bool) -> None:
    """Patches are left out in training alone, also where a frozen tower stays in eval mode."""
    for module in model.modules():
        if type(module).__name__ == "PatchDropout":
            module.train(on)


def _place(model: Any) -> tuple[Any, str]:
    visual = getattr(model, "visual", None)
    trunk = getattr(visual, "trunk", None)
    if hasattr(visual, "patch_dropout"):
        return visual, "patch_dropout"
    if hasattr(trunk, "patch_drop"):
        return trunk, "patch_drop"
    raise UsageError(
        f"trainer.patch_dropout: the image tower ({type(trunk or visual).__name__}) has no patches "
        "to leave out; give 0, or a backbone with a vision transformer."
    )


def _dropout(owner: Any, name: str, share: float) -> nn.Module:
    if name == "patch_dropout":
        from open_clip.transformer import PatchDropout

        made: nn.Module = PatchDropout(share)
        return made
    from timm.layers import PatchDropout as TimmDropout

    dropout: nn.Module = TimmDropout(share, num_prefix_tokens=owner.num_prefix_tokens)
    return dropout
