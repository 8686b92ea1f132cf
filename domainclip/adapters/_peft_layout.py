"""LoRA in peft's own layout, which plain peft loads onto the plain open_clip model.

peft has one LoRA for a packed attention or a fused layer: a shared A (R, i) and B (o, R). Separate
factors of n of its parts at rank r are that at R = n r, with A stacked and B block-diagonal,
exactly; alpha = s R keeps the scale s. peft always wraps an attention's output projection as well,
whose factors are then zeros.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from peft import LoraConfig
from torch import Tensor, nn

from domainclip.backbones._tensor_file import save_tensors

__all__ = ["LOADS", "write_peft_layout"]

LOADS = "peft.PeftModel.from_pretrained(open_clip_model, 'peft')"
_PREFIX = "base_model.model."
Factors = dict[str, Tensor]  # the end of a tensor's name -> the tensor
Rows = Mapping[str, tuple[int, int]]  # part of a packed weight -> its rows


def write_peft_layout(
    folder: Path,
    adapter: Any,
    replaced: Mapping[str, nn.Module],
    rows: Mapping[str, Rows],
    *,
    bare: bool,
) -> str:
    """Write ``adapter_config.json`` and ``adapter_model.safetensors``.

    adapter: an injected LoRA. replaced: path -> the plain module that it took apart, rows: path ->
    its parts' names and rows. bare: a tower uses weights without calling their layers. Returns
    ``LOADS``, or what peft cannot hold; then nothing is written.
    """
    foreign = [path for path, module in replaced.items() if not _known_to_peft(module)]
    if foreign:
        return f"not written: peft does not know the attention of {foreign[0]}"
    if adapter.dora and replaced:
        return "not written: peft has no DoRA for the parts of a packed or fused projection"
    if bare:
        return "not written: the tower uses weights that peft would have to be called for"
    state = adapter.state()
    twice = [p for p in replaced if f"{p}.out_proj.lora_A.weight" in state]
    if twice:
        # https://github.com/huggingface/peft/pull/3774: loaded, the model would compute another
        # thing with one release of peft than with the next
        return f"not written: peft may count the change to {twice[0]}.out_proj twice"
    modules = _by_module(state, replaced, rows)
    ranks = {path: len(factors["lora_A.weight"]) for path, factors in modules.items()}
    scale = adapter.alpha / (adapter.rank**0.5 if adapter.rslora else adapter.rank)
    patterns = {re.escape(path): rank for path, rank in ranks.items() if rank != adapter.rank}
    config = LoraConfig(
        r=adapter.rank,
        lora_alpha=scale * adapter.rank,
        rank_pattern=patterns,
        alpha_pattern={path: scale * rank for path, rank in patterns.items()},
        use_dora=adapter.dora,
        lora_dropout=adapter.dropout,
        target_modules="|".join(re.escape(path) for path in modules),
        inference_mode=True,
    )
    folder.mkdir(parents=True, exist_ok=True)
    config.save_pretrained(str(folder))
    tensors = {
        f"{_PREFIX}{path}.{name}": tensor.contiguous()
        for path, factors in modules.items()
        for name, tensor in factors.items()
    }
    save_tensors(tensors, folder / "adapter_model.safetensors")
    return LOADS


def _by_module(
    state: Mapping[str, Tensor], replaced: Mapping[str, nn.Module], rows: Mapping[str, Rows]
) -> dict[str, Factors]:
    """Our factors -> those of each module that peft wraps."""
    plain: dict[str, Factors] = {}
    taken_apart: dict[str, Factors] = {}
    for name, factor in state.items():
        path, letter, _ = name.rsplit(".", 2)  # letter: lora_A, lora_B, lora_magnitude_vector
        whole, _, part = path.rpartition(".")
        if whole in replaced:
            taken_apart.setdefault(whole, {})[f"{part}.{letter}"] = factor
        else:
            end = letter if letter == "lora_magnitude_vector" else f"{letter}.weight"
            plain.setdefault(path, {})[end] = factor
    joined = {
        path: _joined(replaced[path], parts, rows[path]) for path, parts in taken_apart.items()
    }
    return plain | joined


def _joined(module: nn.Module, parts: Factors, rows: Rows) -> Factors:
    """Separate factors of a packed attention or a fused layer as peft's joint ones."""
    attention = isinstance(module, nn.MultiheadAttention)
    height, width = module.get_parameter("in_proj_weight" if attention else "weight").shape
    held = [part for part in rows if f"{part}.lora_A" in parts]
    some = parts[f"{held[0]}.lora_A"]
    inner = len(some)
    rank = inner * len(held)
    a, b = some.new_zeros(rank, width), some.new_zeros(height, rank)
    for number, part in enumerate(held):
        ranks = slice(number * inner, (number + 1) * inner)
        a[ranks] = parts[f"{part}.lora_A"]
        b[slice(*rows[part]), ranks] = parts[f"{part}.lora_B"]
    joined = {"lora_A.weight": a, "lora_B.weight": b}
    if attention:
        joined["base_layer.out_proj.lora_A.weight"] = some.new_zeros(rank, width)
        joined["base_layer.out_proj.lora_B.weight"] = some.new_zeros(width, rank)
    return joined


def _known_to_peft(module: nn.Module) -> bool:
    if isinstance(module, nn.MultiheadAttention):
        return module.in_proj_weight is not None
    return isinstance(module, nn.Linear)
