"""Every real raster ends in tiles or in one sentence, and the counts add up."""

from __future__ import annotations

from pathlib import Path

import pytest
import rasterio

from domainclip.errors import DomainclipError
from domainclip.extractors.tiles import Tiles
from domainclip.pairs import Pair, Skip


def test_no_real_raster_escapes(shared_data: Path, tmp_path: Path) -> None:
    table = tmp_path / "everywhere.csv"
    table.write_text("label,west,south,east,north\nland,-1e9,-1e9,1e9,1e9\n")
    rasters = [
        p
        for p in sorted((shared_data / "tiles").rglob("*"))
        if p.suffix in (".tif", ".tiff", ".vrt")
    ]
    assert len(rasters) > 20
    cut, refused = 0, 0
    for path in rasters:
        for bands in ((1,),):
            tiles = Tiles(classes=str(table), size_px=64, bands=bands, cell=1e5)
            try:
                expected, found = 0, 0
                with rasterio.open(path) as dataset:
                    expected = (dataset.width // 64) * (dataset.height // 64)
                for number, source in enumerate(tiles.sources(str(path))):
                    if number == 3:
                        expected = -1
                        break
                    items = list(tiles.pairs(source))
                    assert all(isinstance(item, Pair | Skip) for item in items)
                    found += len(items)
                assert expected in (-1, found), path
                cut += 1
            except (DomainclipError, rasterio.errors.RasterioIOError) as error:
                assert str(error)
                refused += 1
    assert cut > 10
    assert cut + refused == len(rasters)


def test_a_real_scene_is_cut_where_rasterio_says(shared_data: Path, tmp_path: Path) -> None:
    scene = next((shared_data / "tiles" / "rasterio").rglob("RGB.byte.tif"), None)
    if scene is None:
        pytest.skip("the sample has no RGB.byte.tif")
    table = tmp_path / "everywhere.csv"
    table.write_text("label,west,south,east,north\nland,-1e9,-1e9,1e9,1e9\n")
    tiles = Tiles(classes=str(table), size_px=64, cell=1e5)
    found = [p for s in tiles.sources(str(scene)) for p in tiles.pairs(s) if isinstance(p, Pair)]
    assert found
    with rasterio.open(scene) as dataset:
        for pair in found[:20]:
            column, row, width, height = pair.where["window"]
            window = rasterio.windows.Window(column, row, width, height)
            assert pair.where["bounds"] == pytest.approx(dataset.window_bounds(window))
            assert pair.where["gsd_m"] == pytest.approx(dataset.res[0], rel=1e-2)
