"""Load a backbone: by name, from a hub, a folder or a checkpoint file, or the embedded one."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import open_clip
import torch
from open_clip.transform import PreprocessCfg

from domainclip.backbones._checkpoint import SUFFIXES, load_weights
from domainclip.backbones._folder import (
    CONFIG,
    WEIGHTS,
    has_tokenizer,
    read_as_saved,
    read_config,
    weights_in,
)
from domainclip.backbones._hub import check_reachable, fetch
from domainclip.backbones._streaming import prefer_channels_last
from domainclip.backbones.embedded import build_embedded
from domainclip.backbones.handle import Backbone
from domainclip.backbones.pictures import Preprocess
from domainclip.errors import BadInput, MissingExtra, UnknownName, UsageError

__all__ = ["load_backbone"]

_log = logging.getLogger(__name__)
_HUB_WEIGHTS = (WEIGHTS, "open_clip_pytorch_model.bin")


def load_backbone(
    name: str,
    pretrained: str | Path | None = None,
    *,
    device: str | torch.device | None = None,
    dtype: torch.dtype | str | None = None,
    cache_dir: str | Path | None = None,
    compile: bool = False,
) -> Backbone:
    """A backbone in eval mode.

    name: any open_clip model (``ViT-B-16``), ``hf-hub:org/repo``, a folder in open_clip's layout
    (what ``Backbone.save`` writes), or ``embedded``. pretrained, for an open_clip model: one of its
    tags (``openai``), a ``.safetensors`` file, or a ``.pt`` file that holds only tensors; None
    gives random weights, which a warning says. device: None or ``auto`` takes CUDA where there is
    one, else the CPU. dtype: of the weights (``bfloat16``). cache_dir: where downloads go.

    A tag that was trained with QuickGELU gets it (open_clip only warns). Without a tag, images are
    prepared as all tags of that model agree to, else as OpenAI's CLIP does.

    Raises UnknownName (with the nearest known one), BadInput (missing, cut short, of another model,
    hub out of reach), UnsafeFile (a pickle that could run code), MissingExtra.
    """
    cache = str(cache_dir) if cache_dir else None
    weights = str(pretrained) if pretrained else None
    if weights and (name == "embedded" or name.startswith("hf-hub:") or Path(name).is_dir()):
        raise UsageError(f"{name!r} brings its own weights; leave pretrained ({weights!r}) out.")
    if name == "embedded":
        backbone = _from_folder(build_embedded(), name, cache)
    elif name.startswith("hf-hub:"):
        backbone = _from_folder(_hub_folder(name.removeprefix("hf-hub:"), cache), name, cache)
    elif Path(name).is_dir():
        backbone = _from_folder(Path(name), name, cache)
    else:
        backbone = _from_open_clip(name, weights, cache)
    backbone.model.eval()
    backbone.to(_device(device), _dtype(dtype))
    prefer_channels_last(backbone.model)
    return backbone.compile() if compile else backbone


def _from_open_clip(name: str, pretrained: str | None, cache: str | None) -> Backbone:
    known = open_clip.list_models()
    model_name = name.replace("/", "-")
    if model_name not in known:
        if Path(name).is_file() and Path(name).suffix in SUFFIXES:
            raise UsageError(
                f"{name}: a checkpoint file needs its model's name: "
                f"load_backbone('ViT-B-32', pretrained={name!r})."
            )
        if Path(name).is_absolute() or name.startswith((".", "~")):
            raise BadInput(f"{name}: no such folder.")
        raise UnknownName("backbone", name, [*known, "embedded"])
    config = open_clip.get_model_config(model_name)
    tag = _tag(model_name, pretrained)
    described = tag if tag is not None else _agreed(model_name)
    if tag is not None and tag.get("quick_gelu"):
        config["quick_gelu"] = True
    weights = None
    if pretrained is not None:
        weights = Path(pretrained) if tag is None else _fetched(model_name, pretrained, tag, cache)
    model = _built(model_name, config, described, cache)
    if weights is not None:
        load_weights(model, weights, name)
    else:
        tags = open_clip.list_pretrained_tags_by_model(model_name)
        some = f" ({', '.join(tags[:3])}, ...)" if tags else ""
        _log.warning(
            "%s has random weights and knows nothing: give pretrained, a tag%s or a file.",
            name,
            some,
        )
    return Backbone(
        model, Preprocess.of(model.visual.preprocess_cfg),
        _tokenizer_maker(model_name, config, cache), name=name, pretrained=pretrained,
        config=config,
    )  # fmt: skip


def _from_folder(folder: Path, name: str, cache: str | None) -> Backbone:
    config, described = read_config(folder)
    weights = weights_in(folder)
    text = config["text_cfg"]
    if "hf_model_name" in text and (folder / "config.json").is_file():
        # the folder may have moved since its absolute path was written into it
        text["hf_model_name"] = str(folder.absolute())
    model = _built(f"local-dir:{folder}", config, described, cache)
    load_weights(model, weights, name)
    source = f"local-dir:{folder}"
    if text.get("hf_tokenizer_name") and not has_tokenizer(folder):
        source = ""  # only the hub has it
    seen = {**model.visual.preprocess_cfg, "whole": described.get("whole", False)}
    backbone = Backbone(
        model, Preprocess.of(seen), _tokenizer_maker(source, config, cache),
        name=name, config=config,
    )  # fmt: skip
    read_as_saved(backbone, folder)
    return backbone


def _hub_folder(repository: str, cache: str | None) -> Path:
    """The snapshot of a repository, with its configuration, weights and (where it has one)
    tokenizer."""
    folder = fetch(repository, [CONFIG], cache).parent
    fetch(repository, _HUB_WEIGHTS, cache)
    return folder


def _built(name: str, config: dict[str, Any], described: dict[str, Any], cache: str | None) -> Any:
    """The model with random weights."""
    changed = copy.deepcopy(config)
    changed.pop("custom_text", None)  # open_clip reads it from its own copy
    text = changed["text_cfg"]
    tower = text.get("hf_model_name")
    if tower:
        text["hf_model_pretrained"] = False
        if not Path(tower).is_dir():
            text["hf_model_name"] = str(fetch(tower, ["config.json"], cache).parent)
    if changed["vision_cfg"].get("timm_model_name"):
        changed["vision_cfg"]["timm_model_pretrained"] = False
    try:
        with _quiet():
            return open_clip.create_model(
                name, load_weights=False, pretrained_text=False, force_preprocess_cfg=described,
                **changed,
            )  # fmt: skip
    except ModuleNotFoundError as error:
        raise MissingExtra("embedded", error.name or "transformers") from error
    except (RuntimeError, ValueError, TypeError, KeyError, AssertionError, OSError) as error:
        reason = str(error).partition("\n")[0][:300]
        raise BadInput(f"{name}: this configuration builds no model ({reason}).") from error


def _tag(name: str, pretrained: str | None) -> dict[str, Any] | None:
    """open_clip's description of a tag; None for a file and for random weights."""
    if pretrained is None or Path(pretrained).is_file():
        return None
    described: dict[str, Any] = open_clip.get_pretrained_cfg(name, pretrained)
    if described:
        return described
    if Path(pretrained).suffix in SUFFIXES or len(Path(pretrained).parts) > 1:
        raise BadInput(f"{pretrained}: no such checkpoint file.")
    raise UnknownName(
        f"pretrained tag of {name}", pretrained, open_clip.list_pretrained_tags_by_model(name)
    )


def _agreed(name: str) -> dict[str, Any]:
    """The preprocessing that all tags of a model have; empty where they differ."""
    keys = set(asdict(PreprocessCfg())) - {"size"}
    found = []
    for tag in open_clip.list_pretrained_tags_by_model(name):
        described = open_clip.get_pretrained_cfg(name, tag)
        found.append({k: v for k, v in described.items() if k in keys and v is not None})
    return found[0] if found and all(one == found[0] for one in found) else {}


def _fetched(name: str, tag: str, described: dict[str, Any], cache: str | None) -> Path:
    repository, _, file = str(described.get("hf_hub", "")).rpartition("/")
    if repository:
        safe = [f"{file.rpartition('.')[0]}.safetensors"] if file else []
        return fetch(repository, [*safe, file] if file else _HUB_WEIGHTS, cache)
    stored = Path(cache or "~/.cache/clip").expanduser() / Path(described["url"]).name
    if not stored.is_file():
        check_reachable(f"the weights {name}:{tag} are not stored here", described["url"])
    try:
        return Path(open_clip.download_pretrained(described, cache_dir=cache))
    except (OSError, RuntimeError) as error:
        raise BadInput(f"the weights {name}:{tag} could not be fetched ({error}).") from error


def _tokenizer_maker(source: str, config: dict[str, Any], cache: str | None) -> Callable[[], Any]:
    """source: an open_clip name or ``local-dir:``; empty for the tokenizer that config names."""

    def make() -> Any:
        wanted = config["text_cfg"].get("hf_tokenizer_name")
        if not wanted:
            return open_clip.get_tokenizer(source)
        if not source:
            options = dict(config["text_cfg"].get("tokenizer_kwargs") or {})
            length = config["text_cfg"].get("context_length", 77)
            mode = config["text_cfg"].get("tokenizer_mode")

            def build(**more: Any) -> Any:
                return open_clip.tokenizer.HFTokenizer(
                    wanted, context_length=length, tokenizer_mode=mode, cache_dir=cache,
                    **options, **more,
                )  # fmt: skip
        else:

            def build(**more: Any) -> Any:
                return open_clip.get_tokenizer(source, cache_dir=cache, **more)

        try:
            return build(local_files_only=True)
        except (OSError, ValueError, ImportError):
            check_reachable(
                f"the tokenizer {wanted!r} is not stored here", "https://huggingface.co"
            )
        try:
            return build()
        except (OSError, ValueError, ImportError) as error:
            reason = str(error).partition("\n")[0][:200]
            raise BadInput(f"the tokenizer {wanted!r} cannot be loaded ({reason}).") from error

    return make


def _device(device: str | torch.device | None) -> torch.device:
    if device is None or device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        found = torch.device(device)
    except RuntimeError as error:
        raise UsageError(f"unknown device {device!r}; give auto, cpu, cuda or cuda:1.") from error
    if found.type == "cuda" and not torch.cuda.is_available():
        raise UsageError(f"device {str(device)!r}: no CUDA device is in reach of torch here.")
    return found


def _dtype(dtype: torch.dtype | str | None) -> torch.dtype | None:
    found = getattr(torch, dtype, None) if isinstance(dtype, str) else dtype
    if found is not None and (not isinstance(found, torch.dtype) or not found.is_floating_point):
        raise UsageError(f"unknown dtype {dtype!r}; give float32, bfloat16 or float16.")
    if isinstance(dtype, str) and found is None:
        raise UsageError(f"unknown dtype {dtype!r}; give float32, bfloat16 or float16.")
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    """open_clip logs to the root logger, also that random weights, which were asked for, are
    random.

    The handler keeps ``logging`` from installing one of its own for good.
    """
    root = logging.getLogger()
    level, silent = root.level, logging.NullHandler()
    root.addHandler(silent)
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)
        root.removeHandler(silent)
