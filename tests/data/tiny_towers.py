"""Small random backbones of every kind of tower, built in a moment and without a hub."""

from __future__ import annotations

from typing import Any

import open_clip
import torch
from open_clip.hf_model import HFTextEncoder
from torch import Tensor, nn
from transformers import BertConfig

from domainclip.backbones import Backbone

__all__ = ["KINDS", "images", "make_backbone", "token_ids"]

TEXT = {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}
VIT = {"layers": 2, "width": 64, "patch_size": 16, "image_size": 64, "head_width": 16}
KINDS = (
    "vit",
    "vit_own_attention",
    "resnet",
    "timm_vit",
    "timm_siglip",
    "timm_eva",
    "convnext",
    "coca",
    "bert",
    "efficientnet",
)


def make_backbone(kind: str) -> Backbone:
    """A backbone of that kind with its own copy of the weights, the same at every call."""
    torch.manual_seed(0)
    model = _build(kind)
    model.eval()
    tokenizer = open_clip.get_tokenizer("ViT-B-32", context_length=16)
    # SigLIP's image tower has no projection, so its width is the features'
    config = {
        "embed_dim": 64 if kind == "timm_siglip" else 32,
        "text_cfg": {"context_length": 16},
    }
    return Backbone(model, _unused, lambda: tokenizer, name=f"tiny-{kind}", config=config)


def images(count: int = 3) -> Tensor:
    return torch.randn(count, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def token_ids(backbone: Backbone) -> Tensor:
    return backbone.tokenize(["a cat", "a dog in the house", "the sea"])


def _build(kind: str) -> Any:
    timm_vit = {
        "timm_pool": "token",
        "timm_proj": "linear",
        "timm_model_name": "vit_tiny_patch16_224",
    }
    if kind == "vit":
        return open_clip.CLIP(embed_dim=32, vision_cfg=VIT, text_cfg=TEXT)
    if kind == "vit_own_attention":
        # any of these options makes open_clip use its own attention class
        return open_clip.CLIP(
            embed_dim=32, vision_cfg={**VIT, "block_type": "custom"}, text_cfg=TEXT
        )
    if kind == "resnet":
        vision = {"layers": [1, 1, 1, 1], "width": 16, "image_size": 64, "head_width": 16}
        return open_clip.CLIP(embed_dim=32, vision_cfg=vision, text_cfg=TEXT)
    if kind == "coca":
        # pools by an attention whose keys and values are wider than its queries
        vision = {"attentional_pool": True, "attn_pooler_heads": 2, "output_tokens": True}
        text = {**TEXT, "embed_cls": True, "output_tokens": True}
        coca = open_clip.CoCa(
            embed_dim=32, vision_cfg={**VIT, **vision}, text_cfg=text, multimodal_cfg=TEXT
        )
        nn.init.zeros_(coca.text_decoder.text_projection)  # open_clip leaves it as memory was
        return coca
    if kind == "timm_eva":  # takes the weight out of its fused projection
        return _custom({**timm_vit, "timm_model_name": "eva_giant_patch14_224", "image_size": 64},
                       TEXT, depth=2)  # fmt: skip
    if kind == "convnext":
        vision = {**timm_vit, "timm_pool": "avg", "timm_model_name": "convnext_atto"}
        return _custom({**vision, "image_size": 64}, TEXT)
    if kind == "timm_vit":
        return _custom({**timm_vit, "image_size": 64}, TEXT, depth=2)
    if kind == "timm_siglip":
        vision = {
            "timm_pool": "map",
            "timm_proj": "none",
            "timm_model_name": "vit_base_patch16_siglip_224",
            "image_size": 64,
        }
        text = {**TEXT, "no_causal_mask": True, "pool_type": "last", "proj_bias": True}
        return _custom(vision, text, depth=1, init_logit_bias=-10.0)
    if kind == "efficientnet":
        vision = {
            "timm_pool": "avg",
            "timm_proj": "linear",
            "timm_model_name": "tf_efficientnet_lite0",
            "image_size": 64,
        }
        return _custom(vision, TEXT)
    assert kind == "bert"
    model = open_clip.CustomTextCLIP(embed_dim=32, vision_cfg=VIT, text_cfg=TEXT)
    config = BertConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        vocab_size=49408,  # the tokenizer's
    )
    model.text = HFTextEncoder(
        "none", output_dim=32, config=config, pooler_type="mean_pooler", proj_type="linear"
    )
    return model


def _custom(vision: dict[str, Any], text: dict[str, Any], depth: int = 0, **more: Any) -> nn.Module:
    import timm

    size = vision["image_size"]
    kept = timm.create_model
    shrunk = {"depth": depth, "img_size": size, "patch_size": 16, "embed_dim": 64, "num_heads": 4}

    def create(name: str, **options: Any) -> nn.Module:
        # the larger ConvNeXts have linear MLPs
        ours = {"conv_mlp": False} if "convnext" in name else shrunk if depth else {}
        return kept(name, **{**options, **ours})

    timm.create_model = create
    try:
        width = 64 if vision["timm_proj"] == "none" else 32
        model: nn.Module = open_clip.CustomTextCLIP(
            embed_dim=width, vision_cfg=vision, text_cfg=text, **more
        )
    finally:
        timm.create_model = kept
    return model


def _unused(image: Any) -> Tensor:
    raise AssertionError("these tests give tensors")
