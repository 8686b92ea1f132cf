"""A run says what it cannot read of its captions, and nothing where it reads all."""

from __future__ import annotations

from pathlib import Path

from domainclip._run_texts import said_of_cut
from domainclip.backbones import load_backbone
from domainclip.pairs import Text
from tests.data.make_pairs import make_pair, write_pairs
from tests.data.tiny_clip import write_tiny_clip

ROLES = ("caption",)


def test_a_run_says_how_many_captions_are_cut(tmp_path: Path) -> None:
    clip = load_backbone(str(write_tiny_clip(tmp_path / "clip")))
    texts = ["a cat", "cat " * 150, "cat " * 75, ""]
    pairs = write_pairs(
        tmp_path / "pairs", [make_pair(n, text=text, texts=()) for n, text in enumerate(texts)]
    )
    said = said_of_cut(pairs, clip, ROLES)
    assert said.startswith("text: 1 of 4 captions are cut by truncate, which loses 31.9% of all")
    assert said_of_cut(pairs, clip.read_long("window"), ROLES) == ""
    assert said_of_cut(pairs, clip.read_long("stretch"), ROLES) == ""
    shorter = clip.read_long("stretch", length=100)
    assert "1 of 4 captions are cut by stretch" in said_of_cut(pairs, shorter, ROLES)


def test_the_captions_are_those_that_the_recipe_draws(tmp_path: Path) -> None:
    clip = load_backbone(str(write_tiny_clip(tmp_path / "clip")))
    texts = (Text("report", "cat " * 150), Text("mention", "a cat"), Text("mention", "cat " * 76))
    pairs = write_pairs(
        tmp_path / "pairs", [make_pair(n, text="cat", texts=texts) for n in range(2)]
    )
    assert said_of_cut(pairs, clip, ROLES) == ""
    said = said_of_cut(pairs, clip, ("report",))
    assert said.startswith("text: 2 of 2 captions are cut by truncate, which loses 49.3% of all")
    assert "4 of 8 captions" in said_of_cut(pairs, clip, ("caption", "report", "mention"))


def test_of_many_pairs_some_are_looked_at(tmp_path: Path) -> None:
    clip = load_backbone(str(write_tiny_clip(tmp_path / "clip")))
    many = [make_pair(n, text="cat " * 80 if n % 2 else "cat", texts=()) for n in range(3_000)]
    said = said_of_cut(write_pairs(tmp_path / "pairs", many), clip, ROLES)
    assert "of 2,000 captions (of 2,000 of 3,000 pairs) are cut" in said
    cut = int(said.removeprefix("text: ").split()[0].replace(",", ""))
    assert 900 < cut < 1_100
