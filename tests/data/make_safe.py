"""A Sentinel-2 product of level 2A as a folder, as small as GDAL's driver takes it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin

__all__ = ["write_safe"]

NAME = "S2A_MSIL2A_20190714T103031_N0213_R108_T32TQM_20190714T120000.SAFE"
_METADATA = """<n1:Level-2A_User_Product
 xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-2A.xsd"><n1:General_Info>
<Product_Info><PRODUCT_START_TIME>2019-07-14T10:30:31.024Z</PRODUCT_START_TIME>
<PRODUCT_URI>{name}</PRODUCT_URI>
<PROCESSING_LEVEL>Level-2A</PROCESSING_LEVEL><PRODUCT_TYPE>S2MSI2A</PRODUCT_TYPE>
<PREVIEW_IMAGE_URL>https://example.invalid/x.jpg</PREVIEW_IMAGE_URL>
<Datatake><SPACECRAFT_NAME>Sentinel-2A</SPACECRAFT_NAME></Datatake>
<Query_Options><PRODUCT_FORMAT>SAFE_COMPACT</PRODUCT_FORMAT></Query_Options>
<Product_Organisation><Granule_List>
<Granule granuleIdentifier="L2A_T32TQM" imageFormat="JPEG2000">{files}</Granule>
</Granule_List></Product_Organisation></Product_Info></n1:General_Info>
<n1:Quality_Indicators_Info><Cloud_Coverage_Assessment>3.5</Cloud_Coverage_Assessment>
</n1:Quality_Indicators_Info></n1:Level-2A_User_Product>"""
_TILE = """<n1:Level-2A_Tile_ID
 xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/S2_PDI_Level-2A_Tile_Metadata.xsd">
<n1:Geometric_Info><Tile_Geocoding><HORIZONTAL_CS_CODE>EPSG:32632</HORIZONTAL_CS_CODE>{sizes}
</Tile_Geocoding></n1:Geometric_Info></n1:Level-2A_Tile_ID>"""
_SIZE = """<Size resolution="{m}"><NROWS>{n}</NROWS><NCOLS>{n}</NCOLS></Size>
<Geoposition resolution="{m}"><ULX>600000</ULX><ULY>5000040</ULY><XDIM>{m}</XDIM><YDIM>-{m}</YDIM>
</Geoposition>"""


def write_safe(folder: Path, *, named: str = "") -> tuple[Path, np.ndarray]:
    """The product's folder below ``folder``, and its red band of 120 x 120 pixels of 10 m.

    named: what its metadata names as the red band, instead of its file.
    """
    product = folder / NAME
    granule = product / "GRANULE" / "L2A_T32TQM_A021_20190714T103400"
    files, red = [], np.empty(0)
    for band, metres in (("B02", 10), ("B03", 10), ("B04", 10), ("B11", 20)):
        side = 1200 // metres
        values = np.random.default_rng(len(files)).integers(0, 4000, (1, side, side), np.uint16)
        path = granule / "IMG_DATA" / f"R{metres}m" / f"T32TQM_20190714T103031_{band}_{metres}m.jp2"
        path.parent.mkdir(parents=True, exist_ok=True)
        with rasterio.open(
            path, "w", driver="JP2OpenJPEG", width=side, height=side, count=1, dtype="uint16",
            crs="EPSG:32632", transform=from_origin(600000, 5000040, metres, metres),
            QUALITY="100", REVERSIBLE="YES",
        ) as dataset:  # fmt: skip
            dataset.write(values)
        files.append(path.relative_to(product).as_posix().removesuffix(".jp2"))
        if band == "B04":
            red = values[0]
            files[-1] = named or files[-1]
    texts = "".join(f"<IMAGE_FILE>{file}</IMAGE_FILE>" for file in files)
    (product / "MTD_MSIL2A.xml").write_text(_METADATA.format(name=NAME, files=texts))
    sizes = "".join(_SIZE.format(m=metres, n=1200 // metres) for metres in (10, 20, 60))
    (granule / "MTD_TL.xml").write_text(_TILE.format(sizes=sizes))
    return product, red
