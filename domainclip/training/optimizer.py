"""Optimiser, parameter groups and learning-rate schedule of a run.

Layer-wise decay: a weight of block i of L has lr · decay^(L − i), what lies before the blocks
decay^(L + 1), what follows them lr itself.
Reference: FT-CLIP, Dong et al. 2022, https://arxiv.org/abs/2212.06138.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping

import torch
from torch.nn import Parameter
from torch.optim import SGD, AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from domainclip.training.settings import TrainerSettings

__all__ = ["bound_logit_scale", "make_optimizer", "make_schedule", "parameter_groups"]

_BLOCK = re.compile(r"(.*?\b(?:resblocks|blocks|layers|stages|layer(?=[.\d])))\.?(\d+)\.")
_BEFORE = re.compile(
    r"(conv1|conv_stem|stem|patch_embed|class_embedding|cls_token|pos_embed|positional_embedding"
    r"|token_embedding|embeddings|ln_pre|norm_pre|visual\.trunk\.bn1|visual\.bn1)"
)
_POSITIONS = re.compile(r"positional_embedding|pos_embed|cls_token|class_embedding")


def parameter_groups(
    named: Iterable[tuple[str, Parameter]],
    settings: TrainerSettings,
    *,
    decay_vectors: bool = False,
) -> list[dict[str, object]]:
    """Groups by (layer scale, decayed or not), in a stable order; each has ``params`` and ``lr``.

    One-dimensional weights, biases and learned positions are not decayed, unless ``decay_vectors``
    says that vectors are what the method learns (singular values).
    """
    parameters = dict(named)
    scales = _layer_scales(parameters, settings.layer_decay)
    groups: dict[tuple[float, bool, bool], list[Parameter]] = {}
    for name, parameter in parameters.items():
        decayed = decay_vectors or (
            parameter.ndim > 1 and not name.endswith("bias") and not _POSITIONS.search(name)
        )
        # one kernel takes no mixture of tensors that are dealt over ranks and whole ones
        dealt = hasattr(parameter, "full_tensor")
        groups.setdefault((scales[name], decayed, dealt), []).append(parameter)
    return [
        {
            "params": group,
            "lr": settings.lr * scale,
            "weight_decay": settings.weight_decay if decayed else 0.0,
        }
        for (scale, decayed, _), group in groups.items()
    ]


def make_optimizer(
    named: Iterable[tuple[str, Parameter]],
    settings: TrainerSettings,
    *,
    decay_vectors: bool = False,
) -> Optimizer:
    """AdamW, or SGD with momentum, over ``parameter_groups``."""
    parameters = dict(named)
    groups = parameter_groups(parameters.items(), settings, decay_vectors=decay_vectors)
    if settings.optimizer == "sgd":
        return SGD(groups, lr=settings.lr, momentum=settings.momentum)
    # one pass over the weights, where there is a kernel for it; the scaler of 16-mixed would have
    # it unscale gradients after they were clipped
    kinds = {parameter.device.type for parameter in parameters.values()}
    fused = True if kinds <= {"cpu", "cuda"} and settings.precision != "16-mixed" else None
    optimizer = AdamW(groups, lr=settings.lr, betas=settings.betas, fused=fused)
    # Lightning takes this mark for a scaler, and would refuse to clip in bf16-mixed
    optimizer._step_supports_amp_scaling = False
    return optimizer


def make_schedule(
    optimizer: Optimizer,
    settings: TrainerSettings,
    total_steps: int,
    at: Callable[[int], float] = float,
) -> LambdaLR:
    """Linear warm-up, then cosine or linear to ``min_lr``, or constant; one value a step.

    at: step -> its place among ``total_steps``, where a run goes on in steps of another size.
    """
    warmup = settings.warmup
    warmup_steps = round(warmup * total_steps) if warmup < 1 else round(warmup)
    floor = settings.min_lr / settings.lr

    def factor(number: int) -> float:
        step = at(number)
        if step < warmup_steps:
            return (step + 1) / (warmup_steps + 1)
        if settings.schedule == "constant":
            return 1.0
        done = min(1.0, (step - warmup_steps) / max(1, total_steps - warmup_steps))
        left = (1 + math.cos(math.pi * done)) / 2 if settings.schedule == "cosine" else 1 - done
        return floor + (1 - floor) * left

    return LambdaLR(optimizer, factor)


def bound_logit_scale(model: object) -> None:
    """CLIP's bound of 100 on a logit scale that trains, section 2.5 of its paper."""
    scale = getattr(model, "logit_scale", None)
    if isinstance(scale, Parameter) and scale.requires_grad:
        with torch.no_grad():
            scale.clamp_(max=math.log(100.0))


def _layer_scales(parameters: Mapping[str, Parameter], decay: float) -> dict[str, float]:
    blocks = {name: _BLOCK.match(name) for name in parameters}
    last: dict[str, int] = {}
    for match in blocks.values():
        if match:
            last[_tower(match[1])] = max(last.get(_tower(match[1]), 0), int(match[2]))
    scales = {}
    for name, match in blocks.items():
        above = 0
        if match:
            above = last[_tower(match[1])] + 1 - int(match[2])
        elif _BEFORE.search(name) and _tower(name) in last:
            above = last[_tower(name)] + 2
        scales[name] = decay**above
    return scales


def _tower(name: str) -> str:
    return "image" if "visual" in name else "text"
