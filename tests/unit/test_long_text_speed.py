"""The benchmark of long texts compares like with like; batches on a CPU are no longer than pay."""

from __future__ import annotations

import pytest
import torch

from benchmarks.long_text import random_texts, ways
from domainclip.backbones import _streaming
from domainclip.backbones._streaming import text_batches
from domainclip.errors import UsageError
from domainclip.text.window import Window
from tests.data.tiny_towers import make_backbone

CPU = torch.device("cpu")


def test_every_way_gives_the_same_features_of_windows_that_all_differ() -> None:
    clip, texts = make_backbone("vit"), random_texts(3)
    ids = Window().pieces(clip, texts).ids
    assert len(torch.unique(ids, dim=0)) == len(ids) > 60
    found = [way() for way in ways(clip, texts).values()]
    for z in found:
        torch.testing.assert_close(z, found[-1], rtol=0, atol=1e-5)


def test_batches_hold_every_row_once_and_no_more_positions_than_pay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_streaming, "_CPU_POSITIONS", 100)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    lengths = torch.tensor([77, 5, 60, 5, 200, 40, 7, 6])
    found = [rows.tolist() for rows in text_batches(lengths, 256, CPU)]
    assert found == [[1, 3, 7, 6], [5], [2], [0], [4]]
    assert sorted(row for rows in found for row in rows) == list(range(8))
    assert [len(rows) for rows in text_batches(lengths, 3, CPU)] == [3, 2, 1, 1, 1]
    assert [len(rows) for rows in text_batches(lengths, 6, torch.device("cuda"))] == [6, 2]
    assert list(text_batches(torch.zeros(0), 3, CPU)) == []
    with pytest.raises(UsageError, match="batch_size is 0"):
        list(text_batches(lengths, 0, CPU))
