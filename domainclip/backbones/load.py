"""Load a backbone: by name, from a hub, a folder or a checkpoint file, or the embedded one."""

from __future__ import annotations

import json
import logging
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import open_clip
import torch
from safetensors.torch import save_file

from domainclip.backbones.embedded import build_embedded
from domainclip.backbones.handle import Backbone
from domainclip.errors import BadInput, UnknownName, UnsafeFile, UsageError

__all__ = ["load_backbone", "save_backbone"]

CONFIG, WEIGHTS = "open_clip_config.json", "open_clip_model.safetensors"


def load_backbone(
    name: str,
    pretrained: str | None = None,
    *,
    device: str | torch.device | None = None,
    dtype: torch.dtype | None = None,
    cache_dir: str | Path | None = None,
    compile: bool = False,
) -> Backbone:
    """A backbone in eval mode.

    name: any open_clip model (``ViT-B-16``), ``hf-hub:org/repo``, a folder written by open_clip or
    ``Backbone.save``, or ``embedded``. pretrained: one of open_clip's tags for that model
    (``openai``), a ``.safetensors`` file or a ``.pt`` file that holds only tensors; None gives
    random weights. device: None takes CUDA where there is one, else the CPU. cache_dir: where
    downloads go. Raises UnknownName, BadInput, UnsafeFile or UsageError.
    """
    device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    cache = str(cache_dir) if cache_dir else None
    if name == "embedded":
        backbone = _from_folder(build_embedded(), "embedded")
    elif name.startswith("hf-hub:"):
        backbone = _from_open_clip(name, None, cache)
    elif Path(name).is_dir():
        backbone = _from_folder(Path(name), name)
    else:
        known = open_clip.list_models()
        if name.replace("/", "-") not in known:
            raise UnknownName("backbone", name, [*known, "embedded"])
        backbone = _from_open_clip(name, _checked_weights(name, pretrained), cache)
    backbone.model.eval()
    backbone.to(device, dtype)
    return backbone.compile() if compile else backbone


def save_backbone(backbone: Backbone, path: Path) -> Path:
    """Write ``path`` as a folder in open_clip's own layout; see Backbone.save."""
    if not backbone.config:
        raise UsageError(
            f"{backbone.name!r} has no open_clip configuration, so it cannot be saved."
        )
    path.mkdir(parents=True, exist_ok=True)
    config = json.loads(json.dumps(backbone.config))
    if "hf_model_name" in config.get("text_cfg", {}):
        backbone.model.text.config.save_pretrained(path)
        backbone.tokenizer.tokenizer.save_pretrained(path)
        config["text_cfg"].update(hf_model_name=str(path.resolve()), hf_tokenizer_name="here")
    visual = backbone.model.visual
    described = {
        key: value
        for key, value in (getattr(visual, "preprocess_cfg", None) or {}).items()
        if isinstance(value, (str, int, float, list, tuple))
    }
    tensors = {k: v.detach().cpu().contiguous() for k, v in backbone.model.state_dict().items()}
    temporary = path / f".{WEIGHTS}.tmp"
    save_file({key: value.clone() for key, value in tensors.items()}, temporary)
    temporary.replace(path / WEIGHTS)
    (path / CONFIG).write_text(
        json.dumps({"model_cfg": config, "preprocess_cfg": described}, indent=2), encoding="utf-8"
    )
    return path


def _from_open_clip(name: str, pretrained: str | None, cache: str | None) -> Backbone:
    with _quiet(), _clear_errors(name, pretrained):
        model, _, preprocess = open_clip.create_model_and_transforms(
            name, pretrained=pretrained, pretrained_text=False, weights_only=True, cache_dir=cache
        )
        tokenizer = open_clip.get_tokenizer(name)
        config = open_clip.get_model_config(name)
    return Backbone(
        model, preprocess, tokenizer, name=name, pretrained=pretrained, config=config or {}
    )


def _from_folder(folder: Path, name: str) -> Backbone:
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))["model_cfg"]
    except FileNotFoundError as error:
        raise BadInput(f"{folder}: no {CONFIG} in it, so it is no open_clip folder.") from error
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise BadInput(f"{folder / CONFIG}: not an open_clip configuration ({error}).") from error
    weights = folder / WEIGHTS
    if not weights.is_file():
        found = next((p for p in sorted(folder.iterdir()) if p.suffix in _WEIGHT_SUFFIXES), None)
        if found is None:
            raise BadInput(f"{folder}: no {WEIGHTS} in it.")
        weights = found
    check_weights_file(weights)
    changed: dict[str, Any] = {}
    if (folder / "config.json").is_file() and "hf_model_name" in config.get("text_cfg", {}):
        # the folder may have moved since it was written
        changed["text_cfg"] = {
            **config["text_cfg"],
            "hf_model_name": str(folder),
            "hf_model_pretrained": False,
        }
    with _quiet(), _clear_errors(name, None):
        model, _, preprocess = open_clip.create_model_and_transforms(
            f"local-dir:{folder}", weights_only=True, pretrained_text=False, **changed
        )
        tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")
    return Backbone(model, preprocess, tokenizer, name=name, config={**config, **changed})


_WEIGHT_SUFFIXES = (".safetensors", ".pt", ".pth", ".bin", ".ckpt")


def _checked_weights(name: str, pretrained: str | None) -> str | None:
    if not pretrained:
        return None
    if Path(pretrained).is_file():
        check_weights_file(Path(pretrained))
        return pretrained
    tags = open_clip.list_pretrained_tags_by_model(name)
    if pretrained.lower() in (tag.lower() for tag in tags):
        return pretrained
    if Path(pretrained).suffix in _WEIGHT_SUFFIXES or "/" in pretrained:
        raise BadInput(f"{pretrained}: no such checkpoint file.")
    raise UnknownName(f"pretrained tag of {name}", pretrained, tags)


def check_weights_file(path: Path) -> None:
    """Raise UnsafeFile unless the file is a safetensors file or a .pt with nothing but tensors."""
    with path.open("rb") as file:
        start = file.read(9)
    if path.suffix == ".safetensors":
        if len(start) < 9 or start[8:9] != b"{":
            if start[:2] in (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
                raise UnsafeFile(
                    f"{path}: a pickle stands where safetensors should be; it was not opened. Ask "
                    "its maker for real safetensors."
                )
            raise BadInput(f"{path}: not a safetensors file, or cut short; fetch it again.")
        if int.from_bytes(start[:8], "little") > path.stat().st_size:
            raise BadInput(f"{path}: cut short; fetch it again.")
        return
    try:
        torch.load(path, map_location="meta", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UnsafeFile(
            f"{path}: this pickle holds more than tensors and could run code, so it was not opened; "
            "convert it to .safetensors where you trust it."
        ) from error
    except (RuntimeError, EOFError, OSError) as error:
        raise BadInput(f"{path}: not a checkpoint that torch can read, or cut short.") from error


@contextmanager
def _clear_errors(name: str, pretrained: str | None) -> Iterator[None]:
    try:
        yield
    except (UnsafeFile, BadInput):
        raise
    except ModuleNotFoundError:
        raise
    except Exception as error:
        reason = str(error).partition("\n")[0][:200]
        words = (
            "hub",
            "connect",
            "download",
            "resolve",
            "offline",
            "tokenizer",
            "cached",
            "huggingface",
        )
        if isinstance(error, OSError) or any(word in str(error).lower() for word in words):
            raise BadInput(
                f"backbone {name!r}: its files could not be fetched ({reason}). Where no hub is in "
                "reach, pass a local folder as its name or a local .safetensors file as pretrained."
            ) from error
        what = f"{pretrained}: does not fit" if pretrained else "cannot be built as"
        raise BadInput(f"{what} backbone {name!r} ({reason}).") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """open_clip logs through the root logger; a random-weights warning is no news to the caller."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(before)
