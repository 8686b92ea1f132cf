"""Adapters on disk: ``adapter.safetensors`` and ``adapter.json``; no pickle is ever opened."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from domainclip import __version__
from domainclip.adapters._as_trained import as_trained
from domainclip.adapters._protocol import inject_for, with_tuples
from domainclip.backbones import Backbone
from domainclip.backbones._reading import recorded, to_record
from domainclip.backbones._tensor_file import save_tensors
from domainclip.catalogue import entries, load
from domainclip.errors import BadInput, OutputError, UnsafeFile, WeightsMismatch

__all__ = [
    "build",
    "describe",
    "load_adapter",
    "read_description",
    "read_tensors",
    "save_adapter",
    "write_json",
    "write_tensors",
    "writing",
]

WEIGHTS, DESCRIPTION = "adapter.safetensors", "adapter.json"
_log = logging.getLogger(__name__)


def save_adapter(
    path: str | Path,
    adapter: Any,
    method: str,
    backbone: Backbone,
    *,
    classnames: Sequence[str] = (),
    templates: Sequence[str] = (),
    metrics: Mapping[str, Any] | None = None,
) -> Path:
    """Write an injected adapter into the folder ``path``; LoRA in peft's layout too (``peft/``).

    method: the adapter's catalogue name. The description holds the backbone's name and the hash of
    its plain weights, onto which alone it can be loaded.
    """
    folder = Path(path)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        write_tensors(folder / WEIGHTS, adapter.state())
        note = _peft(folder / "peft", adapter)
        description = {
            **describe(method, adapter, backbone),
            "classnames": list(classnames),
            "templates": list(templates),
            "metrics": dict(metrics or {}),
            **({"peft": note} if note else {}),
            **to_record("text", backbone),
        }
        write_json(folder / DESCRIPTION, description)
    return folder


def load_adapter(path: str | Path, backbone: Backbone, *, method: str | None = None) -> Any:
    """Inject the adapter of a folder into the backbone it was made for, and return it.

    method: needed where the adapter is not of the catalogue, as it was named when it was made
    (``./mine.py``): a description cannot choose code to run. Raises WeightsMismatch for other
    weights, UnsafeFile for a pickle or such code, BadInput for anything else that is missing, cut
    short or of another kind.
    The backbone then reads long texts and shows pictures as it did in training, also where the
    caller chose otherwise before, of which a warning tells; ``eject`` puts back what was before.
    """
    folder = Path(path)
    description = read_description(folder / DESCRIPTION)
    tensors = read_tensors(folder / WEIGHTS)
    made_for, given = description["weights_sha256"], backbone.weights_hash()
    if made_for != given:
        raise WeightsMismatch(
            f"{folder}: this adapter was made for {description['backbone']!r} with weights "
            f"{made_for[:12]}, and {backbone.name!r} has weights {given[:12]}; load the backbone "
            "that it was made for."
        )
    reading = recorded("text", description, backbone, folder / DESCRIPTION)
    adapter = build("adapters", description, folder / DESCRIPTION, method)
    inject_for(
        adapter, backbone, description.get("classnames", ()), description.get("templates", ())
    )
    try:
        adapter.load_state(tensors)
    except BadInput as error:
        adapter.eject()
        raise BadInput(f"{folder / WEIGHTS}: {error}") from error
    adapter.eval()
    as_trained(adapter, backbone, description, reading, folder / DESCRIPTION)
    return adapter


def build(kind: str, description: Mapping[str, Any], path: Path, method: str | None) -> Any:
    """The adapter or head that a description names, not yet injected or filled.

    Raises UnsafeFile where that is code outside the catalogue which the caller did not name as
    ``method``, BadInput for arguments that it does not take.
    """
    named = description["method"]
    if named != method and named not in {entry.name for entry in entries(kind)}:
        raise UnsafeFile(
            f"{path}: its method {named!r} is code outside of domainclip, which was not run; give "
            "method=... with that name if you trust it."
        )
    try:
        return load(kind, named)(**with_tuples(description["arguments"]))
    except TypeError as error:
        raise BadInput(f"{path}: {named!r} does not take these arguments ({error}).") from error


def describe(method: str, component: Any, backbone: Backbone) -> dict[str, Any]:
    """What a saved adapter or head says of itself: method, arguments, backbone, versions."""
    public = {f.name for f in fields(component) if f.init}
    arguments = {name: value for name, value in _plain(component).items() if name in public}
    return {
        "domainclip": __version__,
        "method": method,
        "arguments": arguments,
        "backbone": backbone.name,
        "pretrained": backbone.pretrained,
        "weights_sha256": backbone.weights_hash(),
        "image_size": list(getattr(backbone.preprocess, "size", ())),
        **({"whole": True} if backbone.whole else {}),
    }


def read_description(path: Path) -> dict[str, Any]:
    """A description file. Raises BadInput."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        missing = {"method", "arguments", "backbone", "weights_sha256"} - set(found)
    except FileNotFoundError as error:
        raise BadInput(f"{path}: no such file, so its folder holds no saved adapter.") from error
    except (json.JSONDecodeError, UnicodeDecodeError, TypeError) as error:
        raise BadInput(f"{path}: not a JSON file, or cut short; save the adapter again.") from error
    if missing:
        raise BadInput(f"{path}: lacks {sorted(missing)[0]!r}; this is no adapter description.")
    return dict(found)


def _peft(folder: Path, adapter: Any) -> str | None:
    """peft's own layout, of an adapter that has one."""
    if not hasattr(adapter, "write_peft"):
        return None
    temporary = folder.with_name(f".{folder.name}.writing")
    try:
        note: str = adapter.write_peft(temporary)
        shutil.rmtree(folder, ignore_errors=True)
        if temporary.is_dir():
            temporary.replace(folder)
        else:
            _log.warning("%s: %s.", folder, note)
        return note
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write a safetensors file whole or not at all."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        copies = {k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}
        save_tensors(copies, temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file. Raises UnsafeFile for a pickle, BadInput otherwise."""
    try:
        with path.open("rb") as file:
            start = file.read(9)
        # safetensors: eight bytes of length, which may look like anything, then a JSON object
        is_pickle = start[:2] == b"PK" or (start[:1] == b"\x80" and start[1:2] <= b"\x05")
        if is_pickle and start[8:9] != b"{":
            raise UnsafeFile(
                f"{path}: a pickle stands where safetensors should be; it was not opened. Save the "
                "adapter again with domainclip, or ask its maker for safetensors."
            )
        return dict(load_file(path))
    except FileNotFoundError as error:
        raise BadInput(f"{path}: no such file.") from error
    except SafetensorError as error:
        raise BadInput(f"{path}: not a safetensors file, or cut short; save it again.") from error


def _plain(component: Any) -> dict[str, Any]:
    values = {f.name: getattr(component, f.name) for f in fields(component) if f.init}
    return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a description whole or not at all."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.replace(path)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """One sentence, as OutputError, where the file system refuses."""
    try:
        yield
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OutputError(f"{folder}: cannot be written ({reason}).") from error
