"""A backbone as a folder in open_clip's own layout (``local-dir:``), read and written."""

from __future__ import annotations

import copy
import json
import logging
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domainclip.backbones._checkpoint import SUFFIXES
from domainclip.backbones._reading import recorded, to_record
from domainclip.backbones._tensor_file import save_tensors
from domainclip.errors import BadInput, OutputError, UnsafeFile

if TYPE_CHECKING:
    from domainclip.backbones.handle import Backbone

__all__ = [
    "CONFIG",
    "WEIGHTS",
    "has_tokenizer",
    "read_as_saved",
    "read_config",
    "save_folder",
    "weights_in",
]

_log = logging.getLogger(__name__)

CONFIG, WEIGHTS = "open_clip_config.json", "open_clip_model.safetensors"
LONG_TEXT = "long_text"  # what open_clip does not know, and leaves alone
# what open_clip looks for, in its order
_PREFERRED = (
    WEIGHTS,
    "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin",
    "open_clip_pytorch_model.pth",
    "model.safetensors",
    "pytorch_model.bin",
    "pytorch_model.pth",
    "model.pth",
)
_TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "spiece.model", "sentencepiece.bpe.model")


def read_config(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """open_clip's model and preprocessing configuration of a folder. Raises BadInput."""
    path = folder / CONFIG
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        model = found["model_cfg"]
        for section in ("vision_cfg", "text_cfg"):
            if not isinstance(model[section], dict):
                raise TypeError(f"{section} is no object")
        return model, found.get("preprocess_cfg") or {}
    except FileNotFoundError as error:
        raise BadInput(f"{folder}: no {CONFIG} in it, so it is no open_clip folder.") from error
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise BadInput(f"{path}: not an open_clip configuration ({error}).") from error


def read_as_saved(backbone: Backbone, folder: Path) -> None:
    """Let a backbone read long texts as it did when it was saved into the folder. Raises BadInput.

    A way that is code outside of domainclip is not run: a warning says so.
    """
    path = folder / CONFIG
    described = json.loads(path.read_text(encoding="utf-8"))
    try:
        found = recorded(LONG_TEXT, described, backbone, path)
    except UnsafeFile as error:
        _log.warning("%s Long texts are cut until then.", error)
        return
    if found is not None:
        backbone.reading = found


def weights_in(folder: Path) -> Path:
    """The weight file of a folder, chosen as open_clip chooses, safetensors first.

    Raises BadInput where there is none.
    """
    for name in _PREFERRED:
        if (folder / name).is_file():
            return folder / name
    others = [path for path in sorted(folder.iterdir()) if path.suffix in SUFFIXES]
    others.sort(key=lambda path: path.suffix != ".safetensors")
    if not others:
        raise BadInput(f"{folder}: no weights in it ({WEIGHTS}).")
    return others[0]


def has_tokenizer(folder: Path) -> bool:
    """Whether a folder brings a Hugging Face tokenizer."""
    return any((folder / name).is_file() for name in _TOKENIZER_FILES)


def save_folder(backbone: Backbone, path: Path) -> Path:
    """Write ``path``; see ``Backbone.save``. Raises OutputError.

    Written beside and moved into place, the weights before the configuration. With a Hugging Face
    text tower the configuration holds this folder's absolute path, since open_clip resolves it no
    other way; ``load_backbone`` also finds it after a move.
    """
    config = copy.deepcopy(backbone.config)
    path = path.absolute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        writing = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}).") from error
    try:
        text = config["text_cfg"]
        if "hf_model_name" in text:
            backbone.model.text.config.save_pretrained(writing)
            text.update(hf_model_name=str(path))
        if text.get("hf_tokenizer_name"):
            backbone.tokenizer.save_pretrained(writing)
        tensors = {name: t.cpu().contiguous() for name, t in backbone.state_dict_plain().items()}
        # cloned, since safetensors refuses tensors that share memory
        save_tensors(
            {n: t.clone() for n, t in tensors.items()}, writing / WEIGHTS, {"format": "pt"}
        )
        described = {
            "model_cfg": config,
            "preprocess_cfg": _described(backbone),
            **to_record(LONG_TEXT, backbone),
        }
        (writing / CONFIG).write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
        path.mkdir(exist_ok=True)
        for file in sorted(writing.iterdir(), key=lambda file: file.name == CONFIG):
            file.replace(path / file.name)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error}).") from error
    finally:
        shutil.rmtree(writing, ignore_errors=True)
    return path


def _described(backbone: Backbone) -> dict[str, Any]:
    preprocess = backbone.preprocess
    # the nearest that open_clip knows; a figure's border is white more often than not
    whole = {"resize_mode": "longest", "fill_color": 255, "whole": True}
    return {
        "size": list(preprocess.size),
        "mode": "RGB",
        "mean": list(preprocess.mean),
        "std": list(preprocess.std),
        "interpolation": preprocess.interpolation,
        "resize_mode": preprocess.resize_mode,
        "fill_color": preprocess.fill_color,
        **(whole if backbone.whole else {}),
    }
