"""Features kept on disk: found again, never mixed up, whoever else writes."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from domainclip.backbones import Backbone, FeatureCache, load_backbone
from tests.data.tiny_clip import write_tiny_clip

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    return load_backbone(str(write_tiny_clip(tmp_path_factory.mktemp("clip") / "tiny")))


def _features(first: int, last: int) -> dict[str, torch.Tensor]:
    """A value per key that anyone can recompute."""
    return {
        hashlib.sha256(str(n).encode()).hexdigest(): torch.full((16,), float(n))
        for n in range(first, last)
    }


def _same(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> bool:
    return found.keys() == expected.keys() and all(
        torch.equal(found[key], value) for key, value in expected.items()
    )


def test_what_was_put_is_found_by_another_reader(clip: Backbone, tmp_path: Path) -> None:
    known, unknown = _features(0, 5), _features(5, 7)
    reader = FeatureCache(tmp_path, clip)
    assert reader.get(list(known)) == {}
    FeatureCache(tmp_path, clip).put(known)
    assert _same(reader.get([*known, *unknown]), known)


def test_other_weights_or_views_share_nothing(clip: Backbone, tmp_path: Path) -> None:
    other = load_backbone(str(write_tiny_clip(tmp_path / "other", seed=1)))
    half = load_backbone(str(write_tiny_clip(tmp_path / "half")), dtype="bfloat16")
    known = _features(0, 2)
    FeatureCache(tmp_path, clip, view="64 px").put(known)
    for cache in (
        FeatureCache(tmp_path, clip, view="96 px"),
        FeatureCache(tmp_path, other, view="64 px"),
        FeatureCache(tmp_path, half, view="64 px"),
    ):
        assert cache.get(list(known)) == {}


def test_a_broken_shard_costs_only_itself(clip: Backbone, tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path, clip)
    cache.put(_features(0, 3))
    (shard,) = cache.folder.glob("*.safetensors")
    shard.write_bytes(shard.read_bytes()[:50])
    cache.put(_features(3, 6))
    wanted = list(_features(0, 6))
    assert _same(FeatureCache(tmp_path, clip).get(wanted), _features(3, 6))


def test_merge_keeps_everything_in_one_shard(clip: Backbone, tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path, clip)
    for first in range(0, 9, 3):
        cache.put(_features(first, first + 3))
    cache.merge()
    assert len(list(cache.folder.iterdir())) == 1
    assert _same(cache.get(list(_features(0, 9))), _features(0, 9))


WRITER = """
import sys
from pathlib import Path
import domainclip as dc
from domainclip.backbones import FeatureCache
from tests.unit.test_feature_cache import _features
cache = FeatureCache(sys.argv[2], dc.load_backbone(sys.argv[1]))
number = int(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
for first in range(number * 20, number * 20 + 40):  # half of it is the neighbour's too
    cache.put(_features(first, first + 1))
    if first % 10 == 9:
        cache.merge()
"""


def test_writers_and_merges_at_once_lose_and_mix_nothing(tmp_path: Path) -> None:
    model = write_tiny_clip(tmp_path / "tiny")
    arguments = [sys.executable, "-c", WRITER, str(model), str(tmp_path / "cache")]
    writers = [
        subprocess.Popen([*arguments, str(number)], cwd=ROOT, stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, text=True)
        for number in range(3)
    ]  # fmt: skip
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.communicate("go\n")
        assert writer.returncode == 0
    cache = FeatureCache(tmp_path / "cache", load_backbone(str(model)))
    found = cache.get(list(_features(0, 80)))
    expected = _features(0, 80)
    assert all(torch.equal(value, expected[key]) for key, value in found.items())
    assert found.keys() == expected.keys()
    assert not list(cache.folder.glob(".*"))


def test_a_killed_writer_leaves_nothing_that_is_read(clip: Backbone, tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path, clip)
    cache.put(_features(0, 2))
    (shard,) = cache.folder.glob("*.safetensors")
    (cache.folder / ".dead.tmp").write_bytes(shard.read_bytes()[:30])
    assert _same(FeatureCache(tmp_path, clip).get(list(_features(0, 3))), _features(0, 2))
