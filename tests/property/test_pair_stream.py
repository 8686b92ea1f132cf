"""The stream: one order for an epoch, cut between ranks and workers, resumed anywhere, exact."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domainclip.errors import BadInput, UsageError
from domainclip.pairs import Pairs, PairStream
from domainclip.pairs._order import permutation, uniform
from tests.data.make_pairs import make_pair, write_pairs

ROWS = 700


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Pairs:
    path = tmp_path_factory.mktemp("stream")
    image = make_pair(0).image
    return write_pairs(
        path,
        (
            make_pair(
                i,
                image=image,
                split="train" if i % 7 else "val",
                source="rare" if i % 5 == 0 else "common",
            )
            for i in range(ROWS)
        ),
        part_bytes=60_000,
    )


def keys(stream: PairStream) -> list[str]:
    return [pair.key for pair in stream]


def train_keys() -> set[str]:
    return {f"pair-{i:06d}" for i in range(ROWS) if i % 7}


def test_each_sample_comes_once_an_epoch_in_a_new_order(pairs: Pairs) -> None:
    stream = pairs.stream(window=3)
    first = keys(stream)
    assert len(first) == len(stream) == len(train_keys())
    assert set(first) == train_keys()
    assert keys(stream) == first
    stream.set_epoch(1)
    second = keys(stream)
    assert set(second) == train_keys()
    assert second != first != sorted(first)
    assert keys(pairs.stream(window=3, seed=1)) != first


@settings(max_examples=25, deadline=None)
@given(
    world=st.integers(1, 5),
    workers=st.integers(1, 4),
    batch=st.integers(1, 9),
    consumed=st.integers(0, 610),
    window=st.integers(1, 9),
    last=st.sampled_from(["keep", "drop", "pad"]),
)
def test_shards_put_together_are_the_one_order(
    pairs: Pairs, world: int, workers: int, batch: int, consumed: int, window: int, last: str
) -> None:
    whole = keys(pairs.stream(window=window))
    stream = PairStream(pairs, window=window, batch=batch, last=last)  # type: ignore[arg-type]
    stream.set_epoch(0, consumed)
    given_out: dict[int, str] = {}
    lengths = []
    for rank in range(world):
        lengths.append(0)
        for worker in range(workers):
            shard = stream.shard(rank=rank, world_size=world, worker=worker, num_workers=workers)
            shard = pickle.loads(pickle.dumps(shard))
            count = 0
            for pair in shard:
                assert shard.index not in given_out
                given_out[shard.index] = pair.key
                count += 1
            assert count == len(shard)
            lengths[-1] += count
    left = max(0, len(whole) - consumed)
    expected = {"keep": left, "drop": left // world * world}
    stop = consumed + expected.get(last, -(-left // world) * world)
    assert sorted(given_out) == list(range(consumed, stop))
    assert all(given_out[i] == whole[i % len(whole)] for i in given_out)
    if last != "keep":  # wherever another number of ranks stopped
        assert len(set(lengths)) == 1


@settings(max_examples=20, deadline=None)
@given(workers=st.integers(1, 5), batch=st.integers(1, 40))
def test_a_loader_gets_the_same_batches_with_any_number_of_workers(
    pairs: Pairs, workers: int, batch: int
) -> None:
    stream = pairs.stream(batch=batch)
    shards = [
        keys(stream.shard(rank=1, world_size=2, worker=w, num_workers=workers))
        for w in range(workers)
    ]
    batches = []  # as torch's DataLoader takes them: from each worker in turn
    while any(shards):
        for number, shard in enumerate(shards):
            if shard:
                batches.append(shard[:batch])
                shards[number] = shard[batch:]
    one = keys(stream.shard(rank=1, world_size=2))
    assert batches == [one[at : at + batch] for at in range(0, len(one), batch)]


@pytest.mark.parametrize("stop", [1, 100, 599, 600])
def test_a_stopped_stream_goes_on_where_it_was(pairs: Pairs, stop: int) -> None:
    whole = keys(pairs.stream(window=2))
    stream = pairs.stream(window=2)
    samples = iter(stream)
    before = [next(samples).key for _ in range(stop)]
    state = stream.state()
    assert state == {"epoch": 0, "consumed": stop}
    later = pairs.stream(window=2)
    later.load_state(state)
    assert before + keys(later) == whole


def test_resuming_reads_one_block_not_the_epoch_so_far(
    pairs: Pairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = pairs.stream(window=2, columns=["key"])
    len(stream)
    read: list[int] = []
    original = Pairs.read_group
    monkeypatch.setattr(
        Pairs,
        "read_group",
        lambda self, group, *a, **k: read.append(group.start) or original(self, group, *a, **k),
    )
    stream.set_epoch(0, 550)
    next(iter(stream))
    assert len(set(read)) == 1


def test_weights_are_mean_copies_and_a_fraction_is_drawn_anew(pairs: Pairs) -> None:
    rare = {k for k in train_keys() if int(k[-6:]) % 5 == 0}
    stream = pairs.stream(weights={"rare": 2.0, "common": 0.5})
    first = keys(stream)
    assert all(first.count(key) == 2 for key in rare)
    common = [key for key in first if key not in rare]
    assert len(common) == len(set(common))
    assert 0.4 < len(common) / (len(train_keys()) - len(rare)) < 0.6
    stream.set_epoch(1)
    second = keys(stream)
    assert {key for key in second if key not in rare} != set(common)
    assert len(second) == len(stream)
    assert not set(keys(pairs.stream(weights={"common": 0.0}))) - rare


def test_keep_probabilities_hold_for_every_epoch_and_layout(pairs: Pairs, tmp_path: Path) -> None:
    chance = dict.fromkeys(train_keys(), 0.3)
    stream = pairs.stream(keep=chance)
    kept = set(keys(stream))
    assert 0.2 < len(kept) / len(train_keys()) < 0.4
    stream.set_epoch(5)
    assert set(keys(stream)) == kept
    turned = write_pairs(tmp_path, reversed(list(pairs)))
    assert set(keys(turned.stream(keep=lambda key: 0.3))) == kept


def test_several_directories_stream_as_one(pairs: Pairs, tmp_path: Path) -> None:
    other = write_pairs(tmp_path, [make_pair(10_000 + i, split="train") for i in range(50)])
    both = keys(PairStream([pairs, other], seed=3))
    assert len(both) == len(train_keys()) + 50
    assert set(both) == train_keys() | {f"pair-{10_000 + i:06d}" for i in range(50)}


def test_unshuffled_is_file_order_with_whole_pairs(pairs: Pairs) -> None:
    assert list(pairs.stream(split=None, shuffle=False)) == list(pairs)


def test_an_empty_split_and_a_wrong_shard_are_refused(pairs: Pairs) -> None:
    with pytest.raises(BadInput, match="no pairs with split 'trian'"):
        pairs.stream(split="trian")
    with pytest.raises(UsageError, match="rank 2 of 2"):
        pairs.stream(rank=2, world_size=2)
    with pytest.raises(UsageError, match="weights: 'a'"):
        pairs.stream(weights={"a": -1.0})


def test_orders_are_permutations_that_never_change() -> None:
    # fixed numbers: an order that changed would silently break every resumed run
    assert permutation(8, 0, 0).tolist() == PINNED
    assert np.array_equal(np.sort(permutation(1000, 5, 7)), np.arange(1000))
    assert uniform(["a", "b"], 1).tolist() == pytest.approx(PINNED_UNIFORM, abs=1e-12)


PINNED = [0, 7, 2, 5, 4, 6, 3, 1]
PINNED_UNIFORM = [0.22818090735813923, 0.3994061279493837]
