"""Land cover by its shares: those of a direct count, named by the raster or by a table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
import shapely
from rasterio.warp import transform as transform_points
from rasterio.warp import transform_bounds

from domainclip.errors import BadInput, UsageError
from domainclip.extractors.tiles.labels.class_names import BUILT_IN_TABLES, names_of
from domainclip.extractors.tiles.labels.classes import tally
from domainclip.extractors.tiles.labels.cover import Cover, open_cover
from domainclip.extractors.tiles.reading.scenes import Scene, open_scene
from domainclip.extractors.tiles.records import Facts
from tests.data.make_rasters import scene_values, write_classes, write_scene
from tests.data.make_vectors import geojson, write_layer


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """40 x 40 pixels of 0.01 degrees; upper left 10 E, 50 N."""
    return open_scene(str(write_scene(tmp_path / "s.tif", scene_values(40, 40))))


def _row(cover: Cover, scene: Scene, size: int = 20, row: int = 0) -> list[Facts | str]:
    return cover.of_row(scene, row, np.arange(0, scene.width, size), size)


def _shares(found: Facts | str) -> dict[str, float]:
    assert isinstance(found, Facts), found
    assert [share for _, share in found.shares] == sorted(
        (share for _, share in found.shares), reverse=True
    )
    return dict(found.shares)


def _table(path: Path, **names: int) -> str:
    path.write_text("value,name\n" + "".join(f"{value},{name}\n" for name, value in names.items()))
    return str(path)


def test_shares_are_a_direct_count_and_nodata_is_apart(tmp_path: Path, scene: Scene) -> None:
    values = np.random.default_rng(0).integers(0, 5, (40, 40))
    raster = str(write_classes(tmp_path / "c.tif", values, nodata=0))
    table = _table(tmp_path / "t.csv", water=1, forest=2, wood=2, field=3)
    cover = open_cover(raster, table=table, purity=0)
    for row in (0, 20, 33):
        found = cover.of_row(scene, row, np.array([0, 7, 33]), 20)
        labelled = cover.labelled(scene, row, np.array([0, 7, 33]), 20)
        for column, facts, share in zip((0, 7, 33), found, labelled, strict=True):
            window = values[row : row + 20, column : column + 20]  # cut off at the scene's edge
            counts = {
                name: (window == at).sum() for name, at in (("water", 1), ("wood", 2), ("field", 3))
            }
            whole = sum(counts.values())
            assert _shares(facts) == pytest.approx({n: c / whole for n, c in counts.items()})
            assert share == pytest.approx(whole / window.size)
            assert isinstance(facts, Facts) and facts.label == "" and facts.purity is None


def test_the_label_is_the_majority_of_the_inner_square(tmp_path: Path, scene: Scene) -> None:
    values = np.full((40, 40), 7)
    values[5:15, 5:15] = 1
    raster = str(write_classes(tmp_path / "c.tif", values))
    (inner, other) = _row(open_cover(raster, inner_px=10, purity=1), scene)
    assert isinstance(inner, Facts) and isinstance(other, Facts)
    assert (inner.label, inner.purity, other.label) == ("1", 1.0, "7")
    assert _shares(inner) == {"7": 0.75, "1": 0.25}
    assert _row(open_cover(raster, inner_px=12, purity=0.7), scene)[0] == "below_purity"
    assert _row(open_cover(raster, exclude=("1",), inner_px=10), scene)[0] == "no_class"


def test_include_and_exclude_choose_tiles_and_leave_shares_alone(
    tmp_path: Path, scene: Scene
) -> None:
    values = np.array([[1, 2], [2, 2]]).repeat(10, 0).repeat(10, 1)
    raster = str(write_classes(tmp_path / "c.tif", np.tile(values, (2, 2))))
    table = _table(tmp_path / "t.csv", water=1, forest=2)
    for purity in (0.0, 0.5):
        for options in ({"include": ("forest",)}, {"exclude": ("water",)}):
            found = _row(open_cover(raster, table=table, purity=purity, **options), scene)  # type: ignore[arg-type]
            assert [_shares(each) for each in found] == [{"forest": 0.75, "water": 0.25}] * 2
        assert (
            _row(open_cover(raster, table=table, purity=purity, exclude=("forest",)), scene)
            == ["no_class"] * 2
        )
    with pytest.raises(UsageError, match="'woods' is no class"):
        open_cover(raster, table=table, include=("woods",))


def test_tiles_that_are_mostly_without_a_class_may_be_left_out(
    tmp_path: Path, scene: Scene
) -> None:
    raster = str(write_classes(tmp_path / "c.tif", np.array([[1, 0], [0, 0]]), pixel=0.1, nodata=0))
    found = _row(open_cover(raster, purity=0), scene)
    assert _shares(found[0]) == {"1": 1.0} and found[1] == "no_class"
    assert _row(open_cover(raster, purity=0, min_labelled=0.3), scene)[0] == "mostly_unlabelled"


def test_the_labelled_share_is_of_the_whole_tile_and_told(tmp_path: Path, scene: Scene) -> None:
    values = np.zeros((40, 40), int)
    values[5:15, 5:15] = 1
    raster = str(write_classes(tmp_path / "c.tif", values, nodata=0))
    inner = open_cover(raster, purity=0.2, min_labelled=0.9, inner_px=10)
    (facts, _) = _row(inner, scene)  # all of the square that decides has a class
    assert isinstance(facts, Facts) and (facts.purity, facts.labelled) == (1.0, 0.25)
    assert facts.as_json()["labelled"] == 0.25
    assert _row(open_cover(raster, purity=0.2, min_labelled=0.3), scene)[0] == "mostly_unlabelled"
    assert isinstance(_row(open_cover(raster, purity=0.2, min_labelled=0.25), scene)[0], Facts)
    whole = str(write_classes(tmp_path / "w.tif", np.full((40, 40), 1)))
    (facts, _) = _row(open_cover(whole), scene)
    assert isinstance(facts, Facts) and facts.labelled == 1.0
    assert "labelled" not in facts.as_json()


def test_a_palette_does_not_turn_classes_into_colours(tmp_path: Path, scene: Scene) -> None:
    raster = write_classes(tmp_path / "c.tif", np.full((40, 40), 3))
    with rasterio.open(raster, "r+") as dataset:
        dataset.write_colormap(1, {3: (200, 10, 10, 255)})
    (facts, _) = _row(open_cover(str(raster)), scene)
    assert isinstance(facts, Facts) and facts.label == "3"


@pytest.mark.parametrize("pixel", [0.01, 0.02])  # the scene's own pixels, and laid over them
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_a_float_raster_of_whole_numbers_holds_classes(
    tmp_path: Path, scene: Scene, kind: str, pixel: float
) -> None:
    side = round(0.4 / pixel)
    values = np.full((1, side, side), 3, kind)
    values[0, :, side // 2 :] = np.nan
    values[0, :, : side // 4] = -200
    raster = str(write_scene(tmp_path / "c.tif", values, pixel=pixel))
    left, right = _row(open_cover(raster), scene)
    assert _shares(left) == {"-200": 0.5, "3": 0.5} and right == "no_class"
    named = open_cover(raster, table=_table(tmp_path / "t.csv", forest=3), purity=0)
    assert _shares(_row(named, scene)[0]) == {"forest": 1.0}
    large = np.tile(values, (1, 6, 6))
    large[0, 0, 1] = 2.5  # far from the middle, which is looked at when it is opened
    raster = str(write_scene(tmp_path / "d.tif", large, pixel=pixel))
    with pytest.raises(BadInput, match=r"d.tif: its value 2.5 at column \d, row 0 of s.tif is no"):
        _row(open_cover(raster), scene)
    values[:] = 1e20
    with pytest.raises(BadInput, match=r"its value 1e\+20 at column .* of it is no class"):
        open_cover(str(write_scene(tmp_path / "e.tif", values, pixel=pixel)))


def test_classes_keep_their_capitals(tmp_path: Path, scene: Scene) -> None:
    names = ["United Kingdom", "Africa"]
    table = tmp_path / "t.csv"
    table.write_text("value,name\n1,United Kingdom\n2,Africa\n")
    raster = str(write_classes(tmp_path / "c.tif", np.repeat([[1, 2]], 40, 0).repeat(20, 1)))
    boxes = tmp_path / "b.csv"
    boxes.write_text(
        "label,west,south,east,north\nUnited Kingdom,10,49,10.2,50\nAfrica,10.2,49,10.4,50\n"
    )
    halves = [shapely.box(10, 49, 10.2, 50), shapely.box(10.2, 49, 10.4, 50)]
    features = [(half, {"label": name}) for half, name in zip(halves, names, strict=True)]
    polygons = geojson(tmp_path / "p.geojson", features)
    for cover in (
        open_cover(raster, table=str(table)),
        open_cover(str(boxes)),
        open_cover(str(polygons)),
    ):
        found = _row(cover, scene)
        assert [each.label for each in found if isinstance(each, Facts)] == names


def test_names_come_from_the_raster_s_attribute_table(tmp_path: Path, scene: Scene) -> None:
    raster = write_classes(tmp_path / "c.tif", np.full((40, 40), 3))
    field = "<FieldDefn index='{}'><Name>{}</Name><Type>{}</Type><Usage>{}</Usage></FieldDefn>"
    fields = field.format(0, "VALUE", 0, 5) + field.format(1, "Red", 0, 6)
    fields += field.format(2, "Class_Name", 2, 2)
    cells = "<Row index='{}'><F>{}</F><F>9</F><F>{}</F></Row>"
    rows = cells.format(0, 3, "peat bog") + cells.format(1, 4, "sea") + cells.format(2, 5, "")
    Path(f"{raster}.aux.xml").write_text(
        "<PAMDataset><PAMRasterBand band='1'><GDALRasterAttributeTable>"
        f"{fields}{rows}</GDALRasterAttributeTable></PAMRasterBand></PAMDataset>"
    )
    cover = open_cover(str(raster))
    assert dict(cover.names) == {3: "peat bog", 4: "sea"}
    assert _shares(_row(cover, scene)[0]) == {"peat bog": 1.0}
    own = _table(tmp_path / "t.csv", marsh=3)  # a table that is given wins
    assert dict(open_cover(str(raster), table=own).names) == {3: "marsh"}


def test_names_come_from_the_raster_s_categories(tmp_path: Path) -> None:
    raster = write_classes(tmp_path / "c.tif", np.full((40, 40), 1))
    Path(f"{raster}.aux.xml").write_text(
        "<PAMDataset><PAMRasterBand band='1'><CategoryNames><Category></Category>"
        "<Category>lake</Category></CategoryNames></PAMRasterBand></PAMDataset>"
    )
    assert dict(open_cover(str(raster)).names) == {1: "lake"}


def test_the_standard_legends_are_whole() -> None:
    sizes = {name: len(names_of("", None, name)) for name in BUILT_IN_TABLES}
    assert sizes == {
        "corine": 88, "dynamic_world": 9, "esri_land_cover": 8, "igbp": 17, "koppen_geiger": 32,
        "nlcd": 20, "worldcover": 11,
    }  # fmt: skip
    assert names_of("", None, "worldcover")[80] == "permanent water bodies"
    assert names_of("", None, "corine")[523] == names_of("", None, "corine")[44] == "sea and ocean"
    with pytest.raises(BadInput, match="Did you mean 'worldcover'"):
        names_of("", None, "world_cover")


HALF = shapely.box(10, 49.6, 10.1, 50)
REST = shapely.box(10.1, 49.6, 10.4, 50)


def _polygons(tmp_path: Path, kind: str) -> str:
    features = [(HALF, {"label": "lake"}), (REST, {"label": "field"})]
    path = tmp_path / f"p.{kind}"
    if kind == "csv":
        path.write_text(
            "label,geometry\n" + "".join(f'{p["label"]},"{s.wkt}"\n' for s, p in features)
        )
        return str(path)
    if kind == "geojson":
        return str(geojson(path, features))
    driver = {"gpkg": "GPKG", "shp": "ESRI Shapefile", "fgb": "FlatGeobuf"}[kind]
    return str(write_layer(path, features, driver=driver))


@pytest.mark.parametrize("kind", ["csv", "geojson", "gpkg", "shp", "fgb"])
def test_polygons_of_any_format_are_classes(tmp_path: Path, scene: Scene, kind: str) -> None:
    left, right = _row(open_cover(_polygons(tmp_path, kind)), scene)
    assert _shares(left) == pytest.approx({"lake": 0.5, "field": 0.5})
    assert isinstance(right, Facts) and (right.label, right.purity) == ("field", 1.0)


def test_polygons_in_another_crs_and_under_another_label(tmp_path: Path, scene: Scene) -> None:
    def mercator(xy: np.ndarray) -> np.ndarray:
        return np.stack(transform_points("EPSG:4326", "EPSG:3857", xy[:, 0], xy[:, 1]), axis=1)

    moved = [shapely.transform(shape, mercator) for shape in (HALF, REST)]
    features = [(moved[0], {"use": "lake"}), (moved[1], {"use": "field"})]
    path = write_layer(tmp_path / "p.gpkg", features, driver="GPKG", crs="EPSG:3857")
    left, _ = _row(open_cover(str(path), label="use"), scene)
    assert _shares(left) == pytest.approx({"lake": 0.5, "field": 0.5})
    with pytest.raises(BadInput, match="need the column label; there is use"):
        open_cover(str(path))


def test_boxes_have_shares_too(tmp_path: Path, scene: Scene) -> None:
    boxes = tmp_path / "b.csv"
    boxes.write_text(
        "label,west,south,east,north\nlake,10,49.8,10.05,50\nfield,10.05,49.8,10.15,50\n"
    )
    assert _shares(_row(open_cover(str(boxes), purity=0.4), scene)[0]) == pytest.approx(
        {"field": 2 / 3, "lake": 1 / 3}
    )


@pytest.mark.parametrize("kind", ["points", "keys"])
def test_points_and_keys_give_a_class_and_no_share_of_the_ground(
    tmp_path: Path, scene: Scene, kind: str
) -> None:
    table = tmp_path / "t.csv"
    if kind == "points":
        table.write_text("label,lon,lat\nmine,10.25,49.95\nmine,10.26,49.94\nfarm,10.27,49.93\n")
    else:
        table.write_text("key,label\ns.tif_x000020_y000000_20px,mine\n")
    nothing, found = _row(open_cover(str(table)), scene)
    assert nothing == "no_class"
    assert isinstance(found, Facts)
    assert found.label == "mine"
    assert found.as_json().keys() == {"size_px", "gsd_m", "label"}
    with pytest.raises(UsageError, match="--purity 0"):
        open_cover(str(table), purity=0)


@pytest.mark.parametrize("point", ["10.2,49.9", "10.1,49.8", "10.2,49.8", "10.25,49.75"])
def test_a_point_is_in_one_tile_also_on_their_border(
    tmp_path: Path, scene: Scene, point: str
) -> None:
    table = tmp_path / "t.csv"
    table.write_text(f"label,x,y\nmine,{point}\n")
    cover = open_cover(str(table))
    found = [one for row in (0, 20) for one in _row(cover, scene, row=row)]
    assert sum(isinstance(one, Facts) for one in found) == 1


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("label,lon,lat\nmine,10,50\nmine,10,95\n", r":3: latitude 95 is nowhere"),
        ("label,lon,lat\nmine,1000,50\n", r":2: longitude 1000 is nowhere"),
        ("label,lon,lat\nmine,nan,50\n", r":2: a coordinate of 'nan', '50' is no number"),
        ("label,x,y\nmine,10,inf\n", r":2: a coordinate of '10', 'inf' is no number"),
        ("label,west,south,east,north\nmine,10,50,10,50\n", r":2: .*points need the columns x"),
        ("key,label\na,mine\na,farm\n", r":3: the tile a is 'farm' here and 'mine' before"),
        ('geometry,label\n"SRID=4326;POINT (1 2)",mine\n', r":2: .*--labels-crs"),
        ('geometry,label\n"POLYGON ((0 0, 1 1))",mine\n', r":2: .*is no POLYGON"),
        ('geometry,label\n"POLYGON ((0 0, 1 nan, 1 1, 0 0))",mine\n', r":2: .*is no POLYGON"),
        ("label,x,y,x\nmine,10,50,11\n", "has the column x more than once"),
        ("label,x,y\n,10,50\n", "its column label is empty"),
        ("label,x,y\n", "the table of classes is empty"),
        ("label,a,b\nmine,1,2\n", "it has label, a, b"),
        ("", "it has none"),
        ("label,x,y\nmine\n", ":2: a coordinate of '', '' is no number"),
    ],
)
def test_tables_that_cannot_be_used_say_where(tmp_path: Path, lines: str, said: str) -> None:
    table = tmp_path / "t.csv"
    table.write_text(lines)
    with pytest.raises(BadInput, match=said):
        open_cover(str(table))


def test_tables_of_spreadsheets_are_read(tmp_path: Path, scene: Scene) -> None:
    table = tmp_path / "t.csv"
    text = '\ufefflabel; lon ;lat\r\n\r\nmine;10.1;49.9\r\n"f\u2028m";10.3;49.9\r\n'
    table.write_bytes(text.encode())
    assert [one.label for one in _row(open_cover(str(table)), scene)] == ["mine", "f\u2028m"]
    table.write_bytes(text.replace("49.9", "95").encode())
    with pytest.raises(BadInput, match=r"t\.csv:3: latitude 95"):
        open_cover(str(table))


def test_an_outline_may_have_many_points(tmp_path: Path, scene: Scene) -> None:
    angles = np.linspace(0, 2 * np.pi, 20_000)
    ring = np.stack([10.1 + 0.09 * np.cos(angles), 49.9 + 0.09 * np.sin(angles)], axis=1)
    table = tmp_path / "t.csv"
    table.write_text(f'geometry,label\n"{shapely.Polygon(ring).wkt}",lake\n')
    facts = _row(open_cover(str(table)), scene)[0]
    assert isinstance(facts, Facts)
    assert facts.purity == pytest.approx(np.pi / 4 * 0.81, abs=0.02)


def test_places_that_the_scene_cannot_have_are_in_no_tile(tmp_path: Path, scene: Scene) -> None:
    boxes, points = tmp_path / "b.csv", tmp_path / "p.csv"
    boxes.write_text("label,west,south,east,north\nlake,1e30,0,2e30,1e30\n")
    points.write_text("label,x,y\nlake,1e30,1e30\n")
    for path in (boxes, points):
        assert _row(open_cover(str(path), crs="EPSG:32632"), scene) == ["no_class"] * 2


def test_a_geopackage_of_rasters_is_a_class_raster(tmp_path: Path, scene: Scene) -> None:
    path = tmp_path / "c.gpkg"
    plain = write_classes(tmp_path / "c.tif", np.full((40, 40), 9))
    rasterio.shutil.copy(plain, path, driver="GPKG", TILE_FORMAT="PNG")
    cover = open_cover(str(path), purity=0)
    assert isinstance(_row(cover, scene)[0], Facts)


@pytest.mark.parametrize("spread", [1, 100_000])
def test_a_tally_is_a_count_of_each_square(spread: int) -> None:
    rng = np.random.default_rng(0)
    band = (rng.integers(-3, 4, (9, 30)) * spread).astype(np.int32)
    for valid in (rng.random((9, 30)) < 0.7, np.ones((9, 30), bool), np.zeros((9, 30), bool)):
        columns = np.array([0, 4, 21, 25, 29, 40])  # the last three stick out
        values, counts, pixels = tally(band, valid, columns, 9)
        assert values.tolist() == sorted(set(band[valid].tolist()))
        for at, column in enumerate(columns):
            square = np.s_[:, column : column + 9]
            assert pixels[at] == band[square].size
            own = band[square][valid[square]]
            assert counts[:, at].tolist() == [(own == value).sum() for value in values]


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_shares_that_cannot_be_are_refused(tmp_path: Path, share: float) -> None:
    with pytest.raises(UsageError, match="between 0 and 1"):
        open_cover("koppen_geiger", purity=share)


def test_the_shares_of_a_real_legend_are_those_of_its_pixels(shared_data: Path) -> None:
    path = shared_data / "tiles" / "stars" / "lc.tif"
    scene, cover = open_scene(str(path)), open_cover(str(path), table="nlcd", purity=0)
    with rasterio.open(path) as dataset:
        values = dataset.read(1)
    seen = 0
    for row in range(0, scene.height, 16):
        columns = np.arange(0, scene.width, 16)
        for column, facts in zip(columns, cover.of_row(scene, row, columns, 16), strict=True):
            window = values[row : row + 16, column : column + 16]
            counts = {name: int((window == value).sum()) for value, name in cover.names.items()}
            whole = sum(counts.values())
            if not whole:
                assert facts == "no_class"
                continue
            expected = {name: count / whole for name, count in counts.items() if count}
            assert _shares(facts) == pytest.approx(expected, abs=1e-9)
            seen += 1
    assert seen > 10


def test_shares_in_another_crs_are_within_a_hundredth(shared_data: Path, tmp_path: Path) -> None:
    """Albers, 3 km, seen from a finer grid of longitudes and latitudes: by the centres of pixels,
    asked for one by one."""
    path = shared_data / "tiles" / "stars" / "lc.tif"
    cover = open_cover(str(path), table="nlcd", purity=0)
    with rasterio.open(path) as dataset:
        west, south, _, north = transform_bounds(dataset.crs, "EPSG:4326", *dataset.bounds)
        values, place, crs = dataset.read(1), dataset.transform, dataset.crs
    pixel = (north - south) / 256
    grid = open_scene(
        str(
            write_scene(
                tmp_path / "g.tif", scene_values(256, 256, 1), origin=(west, north), pixel=pixel
            )
        )
    )
    compared = 0
    for row, column in ((0, 0), (64, 64), (128, 32), (192, 192), (96, 160)):
        (facts,) = cover.of_row(grid, row, np.array([column]), 64)
        lines, samples = np.mgrid[row : row + 64, column : column + 64] + 0.5
        x, y = transform_points(
            "EPSG:4326", crs, (west + samples * pixel).ravel(), (north - lines * pixel).ravel()
        )
        samples, lines = np.array(x) - place.c, np.array(y) - place.f
        names = [
            cover.names.get(int(values[line, sample]), "")
            for sample, line in zip(
                np.floor(samples / place.a).astype(int),
                np.floor(lines / place.e).astype(int),
                strict=True,
            )
            if 0 <= sample < values.shape[1] and 0 <= line < values.shape[0]
        ]
        whole = sum(1 for name in names if name)
        if whole < 64:
            continue
        shares = _shares(facts)
        for name in set(names) - {""}:
            assert shares.get(name, 0.0) == pytest.approx(names.count(name) / whole, abs=0.01)
        compared += 1
    assert compared >= 2


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("folder", "Did you mean 'folders'"),
        ("Koppen-Geiger", "Did you mean 'koppen_geiger'"),
        ("World Cover", "give the raster with --classes, and --class-table worldcover"),
        ("nlcd", "--class-table nlcd"),
        ("lc", "none of folders, koppen_geiger\\.$"),
        ("lc.tif", "not a raster that GDAL can open"),
    ],
)
def test_a_word_that_is_no_file_is_told_what_is_near_it(word: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        open_cover(word)


def test_a_folder_is_no_class_raster(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"is a folder and no class raster; .* --classes folders"):
        open_cover(str(tmp_path))
