"""Adapters on disk: loaded in a fresh process, refused for other weights, never a pickle."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from domainclip.adapters.lora import LoRA
from domainclip.adapters.storage import load_adapter, save_adapter
from domainclip.backbones import FeatureCache, load_backbone
from domainclip.errors import BadInput, OutputError, UnsafeFile, WeightsMismatch
from tests.data.tiny_clip import write_tiny_clip
from tests.data.tiny_towers import images, make_backbone

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


def test_all_files_have_the_mode_that_the_umask_asks_for(tmp_path: Path) -> None:
    backbone = load_backbone(str(write_tiny_clip(tmp_path / "tiny")))
    shutil.rmtree(tmp_path / "tiny")
    adapter = LoRA(rank=1, targets=("q",), towers=("image",))
    adapter.inject(backbone)
    before = os.umask(0o027)
    try:
        save_adapter(tmp_path / "a", adapter, "lora", backbone)
        adapter.eject()
        backbone.save(tmp_path / "clip")
        FeatureCache(tmp_path / "cache", backbone).put({"0" * 64: torch.ones(4)})
    finally:
        os.umask(before)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len([path for path in files if path.suffix == ".safetensors"]) == 4
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o640}


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


def test_a_description_cannot_choose_code_to_run(saved: Path, tmp_path: Path) -> None:
    trap, mine = tmp_path / "sprung", tmp_path / "mine.py"
    mine.write_text(f"open({str(trap)!r}, 'w')\n__all__ = ['Mine']\nclass Mine: pass\n")
    description = saved / "adapter.json"
    changed = json.loads(description.read_text())
    for named in (str(mine), "os:system"):
        description.write_text(json.dumps({**changed, "method": named}))
        with pytest.raises(UnsafeFile, match="code outside of domainclip"):
            load_adapter(saved, make_backbone("vit"))
    assert not trap.exists()


def test_the_users_own_adapter_loads_when_it_is_named(saved: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text("from domainclip.adapters.lora import LoRA as Mine\n__all__ = ['Mine']\n")
    description = saved / "adapter.json"
    changed = json.loads(description.read_text())
    description.write_text(json.dumps({**changed, "method": str(mine)}))
    assert load_adapter(saved, make_backbone("vit"), method=str(mine)).rank == 3


def test_arguments_of_another_release_are_named(saved: Path) -> None:
    description = saved / "adapter.json"
    changed = json.loads(description.read_text())
    changed["arguments"]["sparsity"] = 0.5
    description.write_text(json.dumps(changed))
    with pytest.raises(BadInput, match="sparsity"):
        load_adapter(saved, make_backbone("vit"))


def test_an_unwritable_place_is_named(tmp_path: Path) -> None:
    backbone = make_backbone("vit")
    adapter = LoRA()
    adapter.inject(backbone)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        save_adapter(tmp_path / "file" / "a", adapter, "lora", backbone)
