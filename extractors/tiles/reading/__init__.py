"""Scenes opened: any raster GDAL reads, near or far, on its own grid or another, rows read once."""
