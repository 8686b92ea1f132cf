"""LoRA: the weight it stands for, which parts it takes, its dropout, DoRA, and peft's own files."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from domainclip.adapters.lora import LoRA
from domainclip.adapters.storage import save_adapter
from domainclip.backbones import Backbone
from domainclip.errors import UsageError
from tests.data.tiny_towers import images, make_backbone, token_ids

ROOT = Path(__file__).resolve().parents[2]


def _filled(adapter: LoRA, backbone: Backbone, std: float = 0.2) -> LoRA:
    """Injected, with factors that change much."""
    adapter.inject(backbone)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for p in adapter.parameters():
            p.add_(std * torch.randn(p.shape, generator=generator, dtype=p.dtype))
    return adapter


def _features(backbone: Backbone) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        return backbone.image(images()), backbone.text(token_ids(backbone))


@pytest.mark.parametrize(("rslora", "scale"), [(True, 3.0 / 2.0), (False, 3.0 / 4.0)])
def test_merged_weight_is_the_formula(rslora: bool, scale: float) -> None:
    backbone = make_backbone("vit")
    plain = backbone.model.transformer.resblocks[1].attn.in_proj_weight.detach().clone()
    adapter = _filled(LoRA(rank=4, alpha=3.0, rslora=rslora, targets=("q", "v")), backbone)
    factors = adapter.state()
    adapter.merge()
    merged = backbone.model.transformer.resblocks[1].attn.in_proj_weight
    for number, part in enumerate(("q_proj", "k_proj", "v_proj")):
        expected = plain.chunk(3)[number].clone()
        if part != "k_proj":
            name = f"transformer.resblocks.1.attn.{part}.lora_"
            expected += scale * factors[f"{name}B.weight"] @ factors[f"{name}A.weight"]
        torch.testing.assert_close(merged.chunk(3)[number], expected)


@pytest.mark.parametrize("kind", ["vit", "vit_own_attention", "timm_vit", "timm_siglip", "coca"])
@pytest.mark.parametrize("targets", [("v",), ("q", "o"), ("k", "v", "mlp")])
def test_any_choice_of_parts_merges_like_unmerged(kind: str, targets: tuple[str, ...]) -> None:
    backbone = make_backbone(kind)
    plain = _features(backbone)
    adapter = _filled(LoRA(rank=2, targets=targets), backbone)
    unmerged = _features(backbone)
    assert all((a - b).abs().max() > 1e-3 for a, b in zip(unmerged, plain, strict=True))
    adapter.merge()
    torch.testing.assert_close(_features(backbone), unmerged, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["vit", "timm_vit", "bert", "efficientnet"])
def test_dora_merges_like_unmerged(kind: str) -> None:
    backbone = make_backbone(kind)
    plain = _features(backbone)
    adapter = LoRA(rank=2, dora=True)
    adapter.inject(backbone)
    torch.testing.assert_close(_features(backbone), plain, rtol=1e-4, atol=1e-5)
    adapter.eject()
    adapter = _filled(LoRA(rank=2, dora=True), backbone, std=0.05)
    unmerged = _features(backbone)
    assert (unmerged[0] - plain[0]).abs().max() > 1e-3
    adapter.merge()
    torch.testing.assert_close(_features(backbone), unmerged, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dora", [False, True])
def test_dropout_acts_while_training_alone(dora: bool) -> None:
    backbone = make_backbone("vit")
    adapter = _filled(LoRA(dropout=0.5, dora=dora), backbone)
    still = _features(backbone)[0]
    assert torch.equal(still, _features(backbone)[0])
    adapter.train()
    torch.manual_seed(0)
    assert not torch.equal(_features(backbone)[0], still)
    assert not any(
        m.training for n, m in backbone.model.named_modules() if n.endswith((".mlp", "ln_1"))
    )
    adapter.eval()
    assert torch.equal(still, _features(backbone)[0])


def test_blocks_and_towers_are_chosen_by_number_and_name() -> None:
    adapter = LoRA(towers=("text",), blocks=(1,), targets=("q", "mlp"))
    adapter.inject(make_backbone("vit"))
    modules = {name.rsplit(".lora_", 1)[0] for name in adapter.state()}
    layers = ("attn.q_proj", "mlp.c_fc", "mlp.c_proj")
    assert modules == {f"transformer.resblocks.1.{layer}" for layer in layers}


def test_dropout_is_refused_where_it_could_not_act() -> None:
    for options in ({}, {"dropout": 0.0, "dora": True}):
        with pytest.raises(UsageError, match=r"image tower of 'tiny-timm_eva'.* give dropout 0"):
            LoRA(**options).inject(make_backbone("timm_eva"))
    backbone = make_backbone("timm_eva")
    plain = _features(backbone)[0]
    _filled(LoRA(dropout=0.0, targets=("q",), towers=("image",)), backbone)
    assert (_features(backbone)[0] - plain).abs().max() > 1e-3


def test_attention_that_does_more_is_refused_and_left_as_it_was() -> None:
    import open_clip

    attention = open_clip.transformer.Attention(64, 4, qk_norm=True)
    backbone = make_backbone("vit_own_attention")
    backbone.model.visual.transformer.resblocks[1].attn = attention
    first = backbone.model.visual.transformer.resblocks[0].attn
    with pytest.raises(UsageError, match=r"resblocks\.1\.attn: its attention adds ln_q, ln_k"):
        LoRA().inject(backbone)
    assert backbone.model.visual.transformer.resblocks[0].attn is first
    assert all(p.requires_grad for p in first.parameters())


def test_half_precision_towers_keep_float32_factors() -> None:
    backbone = make_backbone("vit").to(dtype=torch.bfloat16)
    adapter = _filled(LoRA(), backbone, std=0.05)
    assert {p.dtype for p in adapter.parameters()} == {torch.float32}
    unmerged = _features(backbone)[0]
    adapter.merge()
    assert {p.dtype for p in backbone.model.parameters()} == {torch.bfloat16}
    torch.testing.assert_close(_features(backbone)[0], unmerged, rtol=0.05, atol=0.02)


def test_a_padding_mask_and_both_call_forms_give_what_torch_gives() -> None:
    from domainclip.adapters._attention import SplitAttention

    torch.manual_seed(0)
    x, key = torch.randn(2, 5, 8), torch.randn(2, 7, 12)
    hidden = torch.zeros(2, 7, dtype=torch.bool)
    hidden[0, 4:] = True
    for options, other in (({}, x), ({"kdim": 12, "vdim": 12}, key)):
        packed = nn.MultiheadAttention(8, 2, batch_first=True, **options).eval()
        nn.init.normal_(packed.in_proj_bias)
        split = SplitAttention(packed, "attn")
        mask = torch.randn(5, other.shape[1])
        padding = hidden[:, : other.shape[1]]
        given: dict[str, Any] = {"attn_mask": mask}
        expected = packed(x, other, other, need_weights=False, **given)[0]
        torch.testing.assert_close(split(x, other, other, need_weights=False, **given)[0], expected)
        expected = packed(x, other, other, key_padding_mask=padding)[0]
        torch.testing.assert_close(split(x, other, other, key_padding_mask=padding)[0], expected)
    packed = nn.MultiheadAttention(8, 2).eval()  # (t, n, d)
    torch.testing.assert_close(SplitAttention(packed, "attn")(x, x, x)[0], packed(x, x, x)[0])


CASES: list[tuple[str, dict[str, Any]]] = [
    ("vit", {}),
    ("vit", {"targets": ("q", "v", "mlp")}),
    ("timm_vit", {"targets": ("q", "k"), "rslora": False}),
    ("timm_siglip", {"targets": ("v", "mlp")}),
    ("bert", {}),
    ("efficientnet", {}),
    ("bert", {"dora": True, "towers": ("text",)}),
]


@pytest.mark.parametrize(("kind", "options"), CASES)
def test_plain_peft_computes_the_same_on_the_plain_model(
    kind: str, options: dict[str, Any], tmp_path: Path
) -> None:
    from peft import PeftModel

    backbone = make_backbone(kind)
    adapter = _filled(LoRA(rank=2, alpha=1.5, **options), backbone)
    save_adapter(tmp_path, adapter, "lora", backbone)
    ours = _features(backbone)
    adapter.eject()
    plain = PeftModel.from_pretrained(backbone.model, str(tmp_path / "peft")).eval().base_model
    with torch.no_grad():
        image = plain.model.encode_image(images(), normalize=True)
        text = plain.model.encode_text(token_ids(backbone), normalize=True)
    torch.testing.assert_close((image, text), ours, rtol=1e-4, atol=1e-5)


def test_peft_alone_reads_the_file_in_a_fresh_process(tmp_path: Path) -> None:
    backbone = make_backbone("vit")
    adapter = _filled(LoRA(rank=3), backbone)
    save_adapter(tmp_path / "a", adapter, "lora", backbone)
    torch.save(_features(backbone)[0], tmp_path / "expected.pt")
    adapter.eject()
    torch.save(backbone.model.state_dict(), tmp_path / "model.pt")
    code = f"""
import sys, torch, open_clip
from peft import PeftModel
vit = {{"layers": 2, "width": 64, "patch_size": 16, "image_size": 64, "head_width": 16}}
text = {{"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}}
model = open_clip.CLIP(embed_dim=32, vision_cfg=vit, text_cfg=text).eval()
model.load_state_dict(torch.load({str(tmp_path / "model.pt")!r}, weights_only=True))
model = PeftModel.from_pretrained(model, {str(tmp_path / "a" / "peft")!r}).eval()
assert not any(name.startswith("domainclip") for name in sys.modules)
x = torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(1))
expected = torch.load({str(tmp_path / "expected.pt")!r}, weights_only=True)
found = model.base_model.model.encode_image(x, normalize=True)
torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("kind", "options", "reason"),
    [
        ("vit", {"dora": True}, "no DoRA"),
        ("vit", {"targets": ("q", "o")}, "twice"),
        ("vit_own_attention", {}, "does not know the attention"),
        ("coca", {}, r"does not know the attention of visual\.attn_pool"),
        ("timm_eva", {"dropout": 0.0}, "would have to be called"),
    ],
)
def test_what_peft_cannot_hold_is_said_and_not_written(
    kind: str,
    options: dict[str, Any],
    reason: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    backbone = make_backbone(kind)
    adapter = LoRA(towers=("image",), **options)
    adapter.inject(backbone)
    (tmp_path / "peft").mkdir()  # of an earlier adapter in this folder
    with caplog.at_level(logging.WARNING):
        save_adapter(tmp_path, adapter, "lora", backbone)
    assert not (tmp_path / "peft").exists()
    note = json.loads((tmp_path / "adapter.json").read_text())["peft"]
    assert note.startswith("not written")
    for said in (note, caplog.text):
        assert re.search(reason, said)
