"""The example that maps a scene: the GeoTIFF and the GeoJSON say where which class lies."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
import torch
import yaml
from lxml import etree
from PIL import Image
from rasterio import Affine
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning
from rasterio.shutil import copy
from rasterio.warp import transform

import domainclip as dc
from domainclip import catalogue
from domainclip.errors import BadInput
from domainclip.recipe import load_recipe, to_yaml
from tests.data.make_rasters import write_scene
from tests.data.tiny_clip import write_tiny_clip

EXAMPLE = Path(catalogue.__file__).parents[1] / "examples" / "classified_map"
NAMES = ["calm & flat", "rough", "wet"]
SIZE, STRIDE = 16, 8
PLACE = Affine(30.0, 0, 500_000.0, 0, -30.0, 5_000_000.0)


def _ground(rng: np.random.Generator, kind: np.ndarray) -> np.ndarray:
    """Classes (h, w) -> colours (3, h, w): smooth greens, coarse greys, blues."""
    noise = rng.integers(0, 40, (3, *kind.shape))
    colours = np.array([[30, 160, 30], [150, 150, 150], [20, 20, 190]])
    rough = rng.integers(-60, 60, kind.shape) * (kind == 1)
    return (np.moveaxis(colours[kind], -1, 0) + noise + rough).clip(1, 254).astype(np.uint8)


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOMAINCLIP_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved classifier of the three kinds of ground, on a tiny backbone."""
    folder = tmp_path_factory.mktemp("model")
    rng = np.random.default_rng(1)
    labels = [k % 3 for k in range(48)]
    images = [np.moveaxis(_ground(rng, np.full((SIZE, SIZE), k)), 0, -1) for k in labels]
    clip = dc.load_backbone(str(write_tiny_clip(folder / "tiny")))
    return dc.few_shot(clip, images, labels, NAMES, method="linear_probe").save(folder / "saved")


def _kinds() -> np.ndarray:
    """(96, 160): class 0 to the left, 1 to the right, 2 in a square of the right half."""
    kind = np.zeros((96, 160), int)
    kind[:, 80:] = 1
    kind[32:64, 112:144] = 2
    return kind


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    values = _ground(np.random.default_rng(0), _kinds())
    values[:, :16, :24] = 0  # without data
    path = tmp_path_factory.mktemp("scene") / "scene.tif"
    return write_scene(path, values, crs="EPSG:32633", transform=PLACE, nodata=0)


def _run(script: str, *arguments: Any) -> None:
    """As from the command line, without another start of torch."""
    path = str(EXAMPLE / script)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", [path, *map(str, arguments)])
        runpy.run_path(path, run_name="__main__")


@pytest.fixture(scope="module")
def mapped(scene: Path, model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with map.tif and map.geojson."""
    out = tmp_path_factory.mktemp("out")
    _run(
        "classified_map.py", scene, "--model", model, "--size-px", SIZE, "--stride-px", STRIDE,
        "-o", out / "map.tif", "--geojson", out / "map.geojson",
    )  # fmt: skip
    return out


def test_a_pixel_is_the_middle_of_a_tile_and_has_its_class(mapped: Path) -> None:
    with rasterio.open(mapped / "map.tif") as found:
        classes, percent = found.read()
        assert found.crs.to_epsg() == 32633
        assert found.nodatavals == (255, 255)
        assert found.descriptions == ("class", "probability")
        # the first tile's middle square of a stride begins 4 pixels from its corner
        expected = Affine(240.0, 0, 500_120.0, 0, -240.0, 4_999_880.0)
        assert np.abs(np.array(found.transform) - np.array(expected)).max() < 1e-9
    kinds = _kinds()[4:-4, 4:-4].reshape(11, 8, 19, 8)
    truth = kinds[:, 4, :, 4]
    there = classes != 255
    assert (classes[0, 0], percent[0, 0]) == (255, 255)
    assert there.sum() >= 11 * 19 - 6
    assert np.mean(classes[there] == truth[there]) > 0.9
    assert set(np.unique(classes[there])) == {0, 1, 2}
    assert percent[there].min() >= 33
    assert percent[there].max() <= 100


def test_gdal_finds_the_names_and_colours_of_the_classes(mapped: Path, tmp_path: Path) -> None:
    copy(mapped / "map.tif", tmp_path / "map.vrt", driver="VRT")
    band = etree.parse(tmp_path / "map.vrt").find("VRTRasterBand")
    assert [each.text for each in band.findall("CategoryNames/Category")] == NAMES
    with rasterio.open(mapped / "map.tif") as found:
        assert found.colorinterp[0] == ColorInterp.palette
        colours = [found.colormap(1)[number] for number in range(3)]
    assert len(set(colours)) == 3


def test_the_areas_cover_the_maps_pixels_in_degrees(mapped: Path) -> None:
    meta, _, shapes, fields = pyogrio.raw.read(mapped / "map.geojson")
    assert meta["crs"] == "EPSG:4326"
    assert '"crs"' not in (mapped / "map.geojson").read_text()  # RFC 7946, section 4
    areas = shapely.from_wkb(shapes)
    assert shapely.is_valid(areas).all()
    names, probability, tiles = fields
    with rasterio.open(mapped / "map.tif") as found:
        classes, percent = found.read()
        rows, columns = np.nonzero(classes != 255)
        x, y = found.xy(rows, columns)
    assert tiles.sum() == len(rows)
    total = percent[rows, columns].sum(dtype=float)
    assert (probability * tiles).sum() == pytest.approx(total, abs=0.06 * len(rows))
    lons, lats = transform("EPSG:32633", "OGC:CRS84", x, y)
    for lon, lat, number in zip(lons, lats, classes[rows, columns], strict=True):
        assert names[shapely.contains_xy(areas, lon, lat)].tolist() == [NAMES[number]]


@pytest.mark.parametrize(
    ("crs", "place"),
    [
        ("EPSG:32660", Affine(3000.0, 0, 570_000.0, 0, -3000.0, 7_000_000.0)),  # 178 E to 178 W
        ("EPSG:4326", Affine(0.1, 0, 176.8, 0, -0.1, 50.0)),  # to 183.2 E
    ],
)
def test_areas_are_cut_at_the_antimeridian(
    crs: str, place: Affine, model: Path, tmp_path: Path
) -> None:
    values = _ground(np.random.default_rng(2), np.full((32, 64), 2))
    scene = write_scene(tmp_path / "s.tif", values, crs=crs, transform=place)
    _run(
        "classified_map.py", scene, "--model", model, "--size-px", SIZE,
        "-o", tmp_path / "m.tif", "--geojson", tmp_path / "m.geojson",
    )  # fmt: skip
    _, _, shapes, fields = pyogrio.raw.read(tmp_path / "m.geojson")
    assert fields[0].tolist() == ["wet"]
    parts = shapely.get_parts(shapely.from_wkb(shapes))
    assert shapely.is_valid(parts).all()
    (left, right) = sorted(shapely.bounds(parts).tolist())
    assert left[0] == -180
    assert right[2] == 180
    assert left[2] < -175 < 175 < right[0]


def test_it_learns_from_a_class_raster_and_says_how_far_the_map_agrees(
    scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    classes = _kinds()[None].astype(np.uint8)
    truth = write_scene(tmp_path / "c.tif", classes, crs="EPSG:32633", transform=PLACE)
    table = tmp_path / "names.csv"
    table.write_text("value,name\n0,meadow\n1,town\n2,lake\n")
    told = ("--class-table", table, "--size-px", SIZE)
    _run(
        "learn.py", scene, truth, *told, "-o", tmp_path / "learned", "--method", "linear_probe",
        "--backbone", write_tiny_clip(tmp_path / "tiny"),
    )  # fmt: skip
    assert capsys.readouterr().out.endswith("tiles of 3 classes\n")
    _run(
        "classified_map.py", scene, "--model", tmp_path / "learned", *told,
        "--stride-px", STRIDE, "--classes", truth, "-o", tmp_path / "m.tif",
    )  # fmt: skip
    done = capsys.readouterr()
    made, agrees = done.out.splitlines()
    assert made == f"{tmp_path / 'm.tif'}: 19 x 11 pixels"
    assert "tiles left out: nodata" in done.err
    assert float(agrees.split()[0]) > 0.9


@pytest.mark.parametrize("made", ["adapter", "head"])
def test_a_run_on_the_scenes_own_tiles_maps_it(made: str, scene: Path, tmp_path: Path) -> None:
    classes = _kinds()[None].astype(np.uint8) + 1
    truth = write_scene(tmp_path / "c.tif", classes, crs="EPSG:32633", transform=PLACE)
    parts: dict[str, Any] = {
        "adapter": {"name": "full", "towers": ["image"]},
        "objective": {"name": "class_prompts"},
        "trainer": {"epochs": 20, "lr": 3e-3, "warmup": 0},
        "evaluate": [{"name": "zero_shot"}],
    }
    if made == "head":
        parts = {"head": {"name": "linear_probe"}, "evaluate": [{"name": "zero_shot"}]}
    options = {"classes": str(truth), "size_px": SIZE, "stride_px": STRIDE, "purity": 1.0}
    recipe = {
        "name": "mine",
        "backbone": {"name": str(write_tiny_clip(tmp_path / "tiny")), "device": "cpu"},
        "data": {
            "extract": {"name": "tiles", "source": [str(scene)], "options": options},
            "split": {"by": "key", "fractions": {"train": 0.8, "val": 0.1, "test": 0.1}},
            "image_px": 16,
        },
        **parts,
    }
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(recipe, sort_keys=False))
    dc.run(tmp_path / "mine.yaml", tmp_path / "run")
    _run(
        "classified_map.py", scene, "--model", tmp_path / "run", "--size-px", SIZE,
        "-o", tmp_path / "m.tif",
    )  # fmt: skip
    with rasterio.open(tmp_path / "m.tif") as found:
        said = found.read(1)
    assert said.shape == (6, 10)
    there = said != 255
    assert np.mean(said[there] == _kinds()[8::16, 8::16][there]) > 0.9


def test_a_scene_without_a_place_is_refused_in_a_sentence(model: Path, tmp_path: Path) -> None:
    values = _ground(np.random.default_rng(2), np.ones((32, 32), int))
    with pytest.warns(NotGeoreferencedWarning):
        scene = write_scene(tmp_path / "s.tif", values, crs=None)
    with pytest.raises(SystemExit, match="one scene with tiles and a place on the Earth"):
        told = ("--model", model, "--size-px", SIZE, "-o", tmp_path / "m.tif")
        _run("classified_map.py", scene, *told)
    assert not (tmp_path / "m.tif").exists()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"-o": "map.png"}, "map.png: the file's name must end in .tif"),
        ({"--geojson": "areas.shp"}, "areas.shp: the file's name must end in .geojson"),
        ({"-o": "absent/map.tif"}, "map.tif: its folder is not there"),
        ({"--model": "absent"}, "absent"),
        ({"scene": "absent.tif"}, "absent.tif: no such file"),
        ({"--size-px": "2000"}, "one scene with tiles"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    changed: dict[str, str], said: str, scene: Path, model: Path, tmp_path: Path
) -> None:
    told = {"--model": model, "--size-px": SIZE, "-o": tmp_path / "m.tif"} | changed
    words = [told.pop("scene", scene), *(word for pair in told.items() for word in pair)]
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit, match=said) as caught:
        patch.chdir(tmp_path)
        _run("classified_map.py", *words)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "m.tif").exists()


def test_a_folder_of_two_scenes_is_refused_at_the_second(
    scene: Path, model: Path, tmp_path: Path
) -> None:
    for name in ("a.tif", "b.tif"):
        (tmp_path / name).write_bytes(scene.read_bytes())
    with pytest.raises(SystemExit, match="one scene with tiles and a place on the Earth"):
        _run("classified_map.py", tmp_path, "--model", model, "-o", tmp_path / "m.tif")


def test_another_planet_has_a_map_and_no_geojson(model: Path, tmp_path: Path) -> None:
    values = _ground(np.random.default_rng(2), np.full((32, 32), 2))
    place = Affine(0.1, 0, 10, 0, -0.1, 20)
    scene = write_scene(tmp_path / "s.tif", values, crs="IAU_2015:49900", transform=place)
    told = ("--model", model, "--size-px", SIZE, "-o", tmp_path / "m.tif")
    with pytest.raises(SystemExit, match="GeoJSON is in degrees of the Earth"):
        _run("classified_map.py", scene, *told, "--geojson", tmp_path / "m.geojson")
    with rasterio.open(tmp_path / "m.tif") as found:
        assert "Mars" in found.crs.to_wkt()
        assert found.read(1).tolist() == [[2, 2], [2, 2]]


@pytest.mark.parametrize("method", ["linear_probe", "full"])
def test_dihedral_views_are_the_mean_of_eight_turned_and_mirrored(
    method: str, model: Path, tmp_path: Path
) -> None:
    rng = np.random.default_rng(3)
    images = [np.moveaxis(_ground(rng, np.full((SIZE, SIZE), k % 3)), 0, -1) for k in range(6)]
    classifier = dc.load_classifier(model)
    if method == "full":
        clip = dc.load_backbone(str(write_tiny_clip(tmp_path / "tiny")))
        classifier = dc.few_shot(clip, images, [0, 1, 2] * 2, NAMES, method="full", epochs=1)
    ask = runpy.run_path(str(EXAMPLE / "classified_map.py"))["chances_of"]
    clip, encoded = classifier.clip, []
    for image in images:  # one by one, each view by itself
        turned = [np.rot90(image, turns) for turns in range(4)]
        turned += [np.fliplr(one) for one in turned]
        mean = np.mean([clip.encode_image([one.copy()])[0].numpy() for one in turned], axis=0)
        encoded.append(mean / np.linalg.norm(mean))
    features = torch.from_numpy(np.stack(encoded))
    if method == "full":
        logits = clip.classify(features, classifier.classnames, classifier.templates)
    else:
        logits = classifier.component.logits(features)
    expected = logits.softmax(1).numpy()
    data = [_png(image) for image in images]
    assert np.abs(ask(classifier, data, "dihedral") - expected).max() < 1e-4
    assert np.abs(ask(classifier, data, "plain") - classifier.predict_proba(images)).max() < 1e-6


def _png(pixels: np.ndarray) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_a_runs_model_is_asked_with_the_views_that_it_was_measured_on(tmp_path: Path) -> None:
    views_of = runpy.run_path(str(EXAMPLE / "classified_map.py"))["views_of"]
    assert views_of(str(tmp_path)) == "plain"
    recipe = load_recipe("remote_sensing/class_folders", ["data.pairs=x"])
    (tmp_path / "recipe.yaml").write_text(to_yaml(recipe))
    assert views_of(str(tmp_path)) == "dihedral"


def test_a_run_without_a_model_says_so(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text("name: x\n")
    with pytest.raises(BadInput, match="repeat its command"):
        dc.load_classifier(tmp_path)
