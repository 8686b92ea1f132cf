"""What every extractor promises, on a small input of its own."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from domainclip.catalogue import entries, load
from domainclip.extraction import Source
from domainclip.extraction.protocol import Extractor
from domainclip.pairs import Pair, Skip
from domainclip.pairs.schema import from_row, to_row
from tests.data.make_papers import jats, write_jats, write_latex, write_pdf
from tests.data.make_rasters import scene_values, write_classes, write_scene
from tests.data.make_study import write_archive, write_key


def _tiles(folder: Path) -> tuple[Extractor, str]:
    values = np.arange(160)[:, None] // 90 + np.ones((160, 96))
    classes = write_classes(folder / "classes.tif", values)
    scene = write_scene(folder / "scene.tif", scene_values(160, 96))
    options = {"classes": str(classes), "size_px": 16, "stride_px": 8, "purity": 0.6}
    return load("extractors", "tiles")(**options, per_class=30), str(scene)


def _papers(folder: Path) -> tuple[Extractor, str]:
    write_jats(folder / "in" / "one", "one")
    write_latex(folder / "in" / "two")
    write_pdf(folder / "in" / "three.pdf")
    (folder / "in" / "bare").mkdir()
    (folder / "in" / "bare" / "bare.xml").write_text(jats("bare", 1), encoding="utf-8")
    return load("extractors", "papers")(), str(folder / "in")


def _dicom(folder: Path) -> tuple[Extractor, str]:
    archive = write_archive(folder / "in")
    return load("extractors", "dicom")(key=write_key(folder)), str(archive)


# name -> an extractor with options, and a root that gives pairs and skips
INPUTS: dict[str, Callable[[Path], tuple[Extractor, str]]] = {
    "dicom": _dicom,
    "papers": _papers,
    "tiles": _tiles,
}
NAMES = [entry.name for entry in entries("extractors")]


@pytest.fixture(params=NAMES)
def given(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Extractor, str]:
    assert request.param in INPUTS, f"give {request.param!r} an input in {__file__}"
    return INPUTS[request.param](tmp_path)


def _all(extractor: Extractor, sources: list[Source]) -> list[Pair | Skip]:
    return [item for source in sources for item in extractor.pairs(source)]


def test_options_are_fields_of_a_frozen_dataclass(given: tuple[Extractor, str]) -> None:
    extractor, _ = given
    assert dataclasses.is_dataclass(extractor)
    assert isinstance(extractor.version, str)
    field = dataclasses.fields(extractor)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(extractor, field, None)


def test_sources_are_distinct_and_plain(given: tuple[Extractor, str]) -> None:
    extractor, root = given
    sources = list(extractor.sources(root))
    assert len(sources) > 1
    assert len({source.name for source in sources}) == len(sources)
    assert sources == list(extractor.sources(root))
    for source in sources:
        assert json.loads(json.dumps(source.part)) is not None


def test_any_process_in_any_order_makes_the_same_pairs(given: tuple[Extractor, str]) -> None:
    extractor, root = given
    sources = list(extractor.sources(root))
    items = _all(extractor, sources)
    # as the engine hands them over: through JSON, to a copy
    carried = [
        Source(name, path, tuple((key, value) for key, value in part))
        for name, path, part in json.loads(json.dumps([[s.name, s.path, s.part] for s in sources]))
    ]
    again = _all(pickle.loads(pickle.dumps(extractor)), carried[::-1])
    assert sorted(map(repr, again)) == sorted(map(repr, items))


def test_pairs_keep_the_contract(given: tuple[Extractor, str]) -> None:
    extractor, root = given
    items = _all(extractor, list(extractor.sources(root)))
    pairs = [item for item in items if isinstance(item, Pair)]
    assert pairs
    assert len({pair.key for pair in pairs}) == len(pairs)
    for pair in pairs:
        with Image.open(io.BytesIO(pair.image)) as image:
            image.load()
            assert image.format in ("JPEG", "PNG")
            assert image.size == (pair.width, pair.height)
        row = to_row(pair)
        assert row["sha256"] == hashlib.sha256(pair.image).hexdigest()
        kept = from_row(row)
        assert dataclasses.replace(kept, sha256=pair.sha256) == pair  # JSON loses nothing of it
        assert pair.text
        assert pair.text in [text.text for text in pair.texts]
        assert pair.group
        assert pair.document
        assert pair.source.endswith(extractor.version)


def test_skips_say_where_and_why(given: tuple[Extractor, str]) -> None:
    extractor, root = given
    skips = [
        item for item in _all(extractor, list(extractor.sources(root))) if isinstance(item, Skip)
    ]
    assert skips
    for skip in skips:
        assert skip.where
        assert skip.reason.isidentifier()
        assert skip.reason == skip.reason.lower()
        assert skip.detail or not skip.quarantine
