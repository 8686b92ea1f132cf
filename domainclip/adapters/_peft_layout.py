"""LoRA in peft's own layout, which plain peft loads onto the plain open_clip model.

peft has one LoRA for a packed attention: a shared A (R, d) and B (3d, R). The separate factors of
q, k and v at rank r are that at R = 3r with A stacked and B block-diagonal, exactly. Other layers
are filled with zeros to the same R, and the scale is kept by alpha = s R.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig
from safetensors.torch import save_file
from torch import Tensor, nn

from domainclip.backbones import Backbone

__all__ = ["write_peft_layout"]

_PREFIX = "base_model.model."


def write_peft_layout(folder: Path, adapter: Any, backbone: Backbone) -> str:
    """Write ``adapter_config.json`` and ``adapter_model.safetensors``; returns a line about it.

    DoRA, and attention that peft does not know, have no such form: the line says so, and nothing is
    written.
    """
    if adapter.dora:
        return "not written: peft has no DoRA for packed attention"
    replaced: dict[str, nn.Module] = adapter._in().replaced
    foreign = [p for p, m in replaced.items() if not isinstance(m, nn.MultiheadAttention)]
    if foreign:
        return f"not written: peft does not know the attention of {foreign[0]}"
    rank = adapter.rank * (3 if replaced else 1)
    state, targets = _converted(adapter.state(), replaced, adapter.rank, rank)
    scale = adapter.alpha / (adapter.rank**0.5 if adapter.rslora else adapter.rank)
    config = LoraConfig(
        r=rank,
        lora_alpha=scale * rank,
        lora_dropout=adapter.dropout,
        target_modules="|".join(re.escape(name) for name in targets),
        inference_mode=True,
    )
    folder.mkdir(parents=True, exist_ok=True)
    config.save_pretrained(str(folder))
    save_file(state, folder / "adapter_model.safetensors")
    return "peft.PeftModel.from_pretrained(open_clip_model, 'peft')"


def _converted(
    state: dict[str, Tensor], replaced: dict[str, nn.Module], inner: int, rank: int
) -> tuple[dict[str, Tensor], list[str]]:
    """Our factors by path -> peft's tensors, and the modules that peft is to wrap."""
    out: dict[str, Tensor] = {}
    targets: dict[str, None] = {}
    for name, factor in state.items():
        path, letter, _ = name.rsplit(".", 2)  # letter: lora_A or lora_B
        attention, _, layer = path.rpartition(".")
        if attention not in replaced:
            targets[path] = None
            out[f"{_PREFIX}{path}.{letter}.weight"] = _padded(factor, letter, rank)
            continue
        targets[attention] = None
        if layer == "out_proj":
            out[f"{_PREFIX}{attention}.base_layer.out_proj.{letter}.weight"] = _padded(
                factor, letter, rank
            )
            continue
        number = ("q_proj", "k_proj", "v_proj").index(layer)
        width = _width(replaced[attention])
        key = f"{_PREFIX}{attention}.{letter}.weight"
        whole = out.setdefault(
            key, torch.zeros((rank, width) if letter == "lora_A" else (3 * width, rank))
        )
        ranks = slice(number * inner, (number + 1) * inner)
        if letter == "lora_A":
            whole[ranks] = factor
        else:
            whole[number * width : (number + 1) * width, ranks] = factor
    for attention in replaced:  # peft always wraps the output projection as well
        width = _width(replaced[attention])
        for letter, shape in (("lora_A", (rank, width)), ("lora_B", (width, rank))):
            key = f"{_PREFIX}{attention}.base_layer.out_proj.{letter}.weight"
            out.setdefault(key, torch.zeros(shape))
            out.setdefault(
                f"{_PREFIX}{attention}.{letter}.weight",
                torch.zeros((rank, width) if letter == "lora_A" else (3 * width, rank)),
            )
    return {name: tensor.contiguous() for name, tensor in out.items()}, list(targets)


def _width(attention: nn.Module) -> int:
    return attention.get_parameter("in_proj_weight").shape[1]


def _padded(factor: Tensor, letter: str, rank: int) -> Tensor:
    """A factor with zero rows (A) or columns (B) up to the rank."""
    axis = 0 if letter == "lora_A" else 1
    shape = list(factor.shape)
    shape[axis] = rank - shape[axis]
    return torch.cat([factor, factor.new_zeros(shape)], dim=axis)
