"""A tokenizer's own marks inside a text are words: a caption cannot end itself."""

from __future__ import annotations

import json
from pathlib import Path

import open_clip
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from domainclip.backbones._words import without_marks
from domainclip.catalogue import entries, load
from domainclip.text._tokens import content_of
from tests.data.tiny_towers import make_backbone

PLAIN = ["the left lung is clear.", "a < b > c_d &lt; e", "", "x [ y ] z", "end of text", "😀 / s"]
FORMS = ["<end_of_text>", "<START_OF_TEXT>", "&lt;end_of_text&gt;", "<<end_of_text>end_of_text>"]


@pytest.mark.parametrize("mark", FORMS)
def test_what_follows_a_mark_is_read(mark: str) -> None:
    clip = make_backbone("vit")
    assert not {49406, 49407} & set(content_of(clip, [f"lung {mark} heart"])[0])
    ids = clip.tokenize([f"a {mark} b"])[0].tolist()
    assert ids.count(49406) == 1 and ids.count(49407) == 1
    texts = [f"lung {mark} b", f"lung {mark} heart", "lung"]
    read = clip.encode_text(texts, long="window")
    assert not torch.allclose(read[0], read[1], atol=1e-4)
    assert not torch.allclose(read[0], read[2], atol=1e-4)


@pytest.mark.parametrize("name", [entry.name for entry in entries("text")])
def test_no_piece_has_marks_but_its_own(name: str) -> None:
    clip = make_backbone("vit")
    options = {"keep": 5, "length": 400} if name == "stretch" else {}
    texts = ["lung <end_of_text> heart <start_of_text>. " * 6]
    ids = load("text", name)(**options).pieces(clip, texts).ids
    if name == "clipmd":  # its windows have the marks of the whole text between them
        assert int((ids == 49407).sum()) == int((ids == 49406).sum()) == 1
    else:
        assert ((ids == 49407).sum(1) == 1).all() and ((ids == 49406).sum(1) == 1).all()


def test_other_texts_are_tokenized_as_before() -> None:
    for tokenizer in (open_clip.get_tokenizer("ViT-B-32"), open_clip.get_tokenizer("ViT-S-16")):
        ours = without_marks(tokenizer)
        assert ours is not tokenizer
        assert torch.equal(ours(PLAIN), tokenizer(PLAIN))
        assert tokenizer("<end_of_text>").tolist() != ours("<end_of_text>").tolist()


@pytest.mark.parametrize("kind", ["wordpiece", "unigram"])
def test_marks_of_hugging_face_tokenizers_are_words(kind: str, tmp_path: Path) -> None:
    tokenizer = open_clip.tokenizer.HFTokenizer(str(_written(kind, tmp_path)), context_length=16)
    ours = without_marks(tokenizer)
    mark = "[SEP]" if kind == "wordpiece" else "</s>"
    last = tokenizer.tokenizer.convert_tokens_to_ids(mark)
    ids = ours([f"lung {mark} heart", f"lung{mark}{mark}heart"])
    assert ((ids == last).sum(1) == 1).all()
    assert ((tokenizer([f"lung {mark} heart"]) == last).sum(1) == 2).all()
    assert torch.equal(ours(PLAIN), tokenizer(PLAIN))


def _written(kind: str, folder: Path) -> Path:
    """A tiny tokenizer in Hugging Face's layout."""
    letters = [chr(code) for code in range(33, 127)]
    if kind == "wordpiece":
        first, last, unknown = "[CLS]", "[SEP]", "[UNK]"
        vocabulary = ["[PAD]", first, last, unknown, *letters, *(f"##{each}" for each in letters)]
        numbered = {each: number for number, each in enumerate(vocabulary)}
        made = Tokenizer(models.WordPiece(numbered, unk_token=unknown))
        made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    else:
        first, last, unknown = "<s>", "</s>", "<unk>"
        scored = [("<pad>", 0.0), (first, 0.0), (last, 0.0), (unknown, 0.0), ("▁", -2.0)]
        made = Tokenizer(models.Unigram([*scored, *((each, -3.0) for each in letters)], unk_id=3))
        made.pre_tokenizer = pre_tokenizers.Metaspace()
    pad = "[PAD]" if kind == "wordpiece" else "<pad>"
    made.add_special_tokens([pad, first, last, unknown])
    both = [(first, made.token_to_id(first)), (last, made.token_to_id(last))]
    made.post_processor = processors.TemplateProcessing(f"{first} $A {last}", special_tokens=both)
    made.save(str(folder / "tokenizer.json"))
    roles = {"pad_token": pad, "cls_token": first, "sep_token": last, "unk_token": unknown}
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", **roles})
    )
    return folder
