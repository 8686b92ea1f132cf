"""Adapters on disk: loaded in a fresh process, refused for other weights, never a pickle."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from domainclip.adapters.lora import LoRA
from domainclip.adapters.storage import load_adapter, save_adapter
from domainclip.errors import BadInput, UnsafeFile, WeightsMismatch
from tests.data.tiny_towers import images, make_backbone, token_ids

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A LoRA with random factors, and what the tower computes with it."""
    backbone = make_backbone("vit")
    adapter = LoRA(rank=3, targets=("q", "v", "o", "mlp"))
    adapter.inject(backbone)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for p in adapter.parameters():
            p.copy_(0.2 * torch.randn(p.shape, generator=generator))
    adapter.eval()
    save_adapter(tmp_path / "a", adapter, "lora", backbone, classnames=["cat", "dog"])
    with torch.no_grad():
        torch.save(backbone.image(images()), tmp_path / "expected.pt")
    return tmp_path / "a"


def test_a_fresh_process_computes_the_same(saved: Path) -> None:
    code = (
        "import torch; from tests.data.tiny_towers import *; "
        "from domainclip.adapters.storage import load_adapter; "
        f"b = make_backbone('vit'); load_adapter({str(saved)!r}, b); "
        f"e = torch.load({str(saved.parent / 'expected.pt')!r}, weights_only=True); "
        "torch.testing.assert_close(b.image(images()), e, rtol=1e-5, atol=1e-6)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("kind", ["vit", "timm_vit", "bert", "efficientnet"])
def test_plain_peft_loads_the_peft_layout_onto_the_plain_model(kind: str, tmp_path: Path) -> None:
    from peft import PeftModel

    backbone = make_backbone(kind)
    adapter = LoRA(rank=2, rslora=True)
    adapter.inject(backbone)
    with torch.no_grad():
        for p in adapter.parameters():
            p.normal_(std=0.2)
    adapter.eval()
    save_adapter(tmp_path, adapter, "lora", backbone)
    with torch.no_grad():
        image, text = backbone.image(images()), backbone.text(token_ids(backbone))
    adapter.eject()
    loaded = PeftModel.from_pretrained(backbone.model, str(tmp_path / "peft")).eval()
    plain = loaded.base_model.model
    with torch.no_grad():
        by_peft = plain.encode_image(images(), normalize=True)
        torch.testing.assert_close(by_peft, image, rtol=1e-4, atol=1e-5)
        ids = token_ids(backbone)
        by_peft = plain.encode_text(ids, normalize=True)
        torch.testing.assert_close(by_peft, text, rtol=1e-4, atol=1e-5)


def test_other_weights_are_refused(saved: Path) -> None:
    other = make_backbone("vit")
    with torch.no_grad():
        other.model.visual.proj.add_(1e-3)
    with pytest.raises(WeightsMismatch, match="tiny-vit"):
        load_adapter(saved, other)


def test_a_pickle_is_never_opened(saved: Path, tmp_path: Path) -> None:
    trap = tmp_path / "sprung"

    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return (open, (str(trap), "w"))

    weights = saved / "adapter.safetensors"
    for content in (pickle.dumps(Trap()), pickle.dumps(Trap(), protocol=4)):
        weights.write_bytes(content)
        with pytest.raises(UnsafeFile, match="pickle"):
            load_adapter(saved, make_backbone("vit"))
    torch.save({"x": torch.zeros(1)}, weights)
    with pytest.raises(UnsafeFile, match="pickle"):
        load_adapter(saved, make_backbone("vit"))
    assert not trap.exists()


def test_damage_is_named(saved: Path) -> None:
    backbone = make_backbone("vit")
    weights, description = saved / "adapter.safetensors", saved / "adapter.json"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInput, match="cut short"):
        load_adapter(saved, backbone)
    weights.unlink()
    with pytest.raises(BadInput, match="no such file"):
        load_adapter(saved, backbone)
    weights.write_bytes(whole)
    changed = json.loads(description.read_text())
    changed["arguments"]["rank"] = 5
    description.write_text(json.dumps(changed))
    with pytest.raises(BadInput, match="shape"):
        load_adapter(saved, backbone)
    assert not hasattr(backbone.model, "peft_config")  # a refused adapter leaves nothing behind
    description.write_text("{")
    with pytest.raises(BadInput, match="not a JSON file"):
        load_adapter(saved, backbone)
