"""A run says what it cannot read of its captions, and nothing where it reads all."""

from __future__ import annotations

from pathlib import Path

from domainclip._run_texts import said_of_cut
from domainclip.backbones import load_backbone
from tests.data.make_pairs import make_pair, write_pairs
from tests.data.tiny_clip import write_tiny_clip


def test_a_run_says_how_many_captions_are_cut(tmp_path: Path) -> None:
    clip = load_backbone(str(write_tiny_clip(tmp_path / "clip")))
    texts = ["a cat", "cat " * 150, "cat " * 75, ""]
    pairs = write_pairs(
        tmp_path / "pairs", [make_pair(n, text=text, texts=()) for n, text in enumerate(texts)]
    )
    said = said_of_cut(pairs, clip)
    assert said.startswith("text: 1 of 4 captions are cut by truncate, which loses 31.9% of all")
    assert said_of_cut(pairs, clip.read_long("window")) == ""
    assert said_of_cut(pairs, clip.read_long("stretch")) == ""
    shorter = clip.read_long("stretch", length=100)
    assert "1 of 4 captions are cut by stretch" in said_of_cut(pairs, shorter)
