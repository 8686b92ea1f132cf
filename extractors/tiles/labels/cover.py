"""Land cover as facts of tiles: the shares of classes, and a class where one of them prevails."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from domainclip.errors import BadInput, UsageError, nearest

from ..reading.scenes import BUILT_IN, Scene
from ..records import Facts
from .class_names import BUILT_IN_TABLES
from .class_polygons import open_class_vectors
from .class_tables import open_class_table
from .classes import Classes, open_raster_classes
from .extent import Holds
from .vectors.reading import open_layers

__all__ = ["Cover", "open_cover"]

VECTORS = {
    ".fgb", ".geojson", ".geojsonl", ".geojsons", ".gdb", ".gml", ".json", ".kml", ".kmz",
    ".parquet", ".shp", ".sqlite", ".topojson", ".zip",
}  # fmt: skip


@dataclass
class Cover:
    """Facts of tiles from classes; see open_cover for its options."""

    classes: Classes
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    purity: float = 0.5
    inner_px: int | None = None
    min_labelled: float = 0.0

    @property
    def names(self) -> Mapping[int, str]:
        """Class value -> name; empty where the values are the names."""
        return self.classes.names

    def of_row(self, scene: Scene, row: int, columns: np.ndarray, size: int) -> list[Facts | str]:
        """See Labels. shares: of the pixels that have a class with a name, of all classes whatever
        include and exclude say; labelled: how much of the tile these are; where the classes have no
        area (points, keys), neither these nor a purity. A tile is left out with
        no_class, below_purity or, where less of it (of its inner square, where that decides) than
        min_labelled has a class, mostly_unlabelled. Raises BadInput."""
        columns = np.asarray(columns)
        values, amounts = self._named(*self.classes.proportions(scene, row, columns, size))
        labelled = np.minimum(amounts.sum(axis=0), 1.0)
        shares = [self._shares(values, amount) for amount in amounts.T]
        if self.purity == 0:
            leading = [share[0][0] if share else None for share in shares]
            names, purities = [self._wanted(name) for name in leading], labelled
        else:
            names, purities = self.judge(scene, row, columns, size)
        enough = self.has_enough(scene, row, columns, size, purities)
        gsds = scene.gsds_m(row, columns, size)
        found: list[Facts | str] = []
        for number, (name, purity, gsd_m) in enumerate(zip(names, purities, gsds, strict=True)):
            if name is None:
                found.append("no_class")
            elif purity < self.purity:
                found.append("below_purity")
            elif not enough[number]:
                found.append("mostly_unlabelled")
            else:
                label, share = ("", None) if self.purity == 0 else (name, float(purity))
                facts = Facts(size, gsd_m, label=label)
                if self.classes.areal:
                    facts = replace(
                        facts,
                        purity=share,
                        shares=shares[number],
                        labelled=float(labelled[number]),
                    )
                found.append(facts)
        return found

    def classes_of_row(
        self, scene: Scene, row: int, columns: np.ndarray, size: int
    ) -> list[str | None]:
        """See ClassLabels."""
        names, purities = self.judge(scene, row, columns, size)
        kept = self.has_enough(scene, row, columns, size, purities) & (purities >= self.purity)
        return [name if good else None for name, good in zip(names, kept.tolist(), strict=True)]

    def reaches(self, scene: Scene) -> bool:
        return self.classes.reaches(scene)

    def holds(self) -> Holds:
        return self.classes.holds()

    def judge(
        self, scene: Scene, row: int, columns: np.ndarray, size: int
    ) -> tuple[list[str | None], np.ndarray]:
        """The prevailing class of each tile's central square, None where it has none or it is not
        wanted, and its share of that square's pixels, whatever the purity asked for."""
        inner = min(self.inner_px or size, size)
        values, shares = self.classes.shares(scene, row, np.asarray(columns), size, inner)
        names: dict[int, str | None] = {}
        for value in np.unique(values[shares > 0]).tolist():
            names[value] = self._wanted(self._name(value))
        return [names.get(value) for value in values.tolist()], shares

    def has_enough(
        self, scene: Scene, row: int, columns: np.ndarray, size: int, purities: np.ndarray
    ) -> np.ndarray:
        """Has min_labelled of each tile's central square a class? purities: as judged; what is of
        one class has a class, so that little is read where they are asked to be as high."""
        if self.min_labelled <= self.purity:
            return np.asarray(purities >= self.min_labelled)
        inner = size if self.purity == 0 else min(self.inner_px or size, size)
        margin = (size - inner) // 2
        share = self.labelled(scene, row + margin, np.asarray(columns) + margin, inner)
        return share >= self.min_labelled - 1e-9

    def labelled(self, scene: Scene, row: int, columns: np.ndarray, size: int) -> np.ndarray:
        """The share of each tile's pixels that have a class with a name, 0 to 1."""
        columns = np.asarray(columns)
        _, amounts = self._named(*self.classes.proportions(scene, row, columns, size))
        return np.minimum(amounts.sum(axis=0), 1.0)

    def _wanted(self, name: str | None) -> str | None:
        left_out = name in self.exclude or (self.include and name not in self.include)
        return None if left_out else name

    def _name(self, value: int) -> str | None:
        return self.names.get(value) if self.names else str(value)

    def _named(self, values: np.ndarray, amounts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        there = np.array([bool(self._name(value)) for value in values.tolist()], bool)
        return values[there], amounts[there]

    def _shares(self, values: np.ndarray, amounts: np.ndarray) -> tuple[tuple[str, float], ...]:
        """Values of one name count together."""
        whole = float(amounts.sum())
        found: dict[str, float] = {}
        for value, amount in zip(values.tolist(), amounts.tolist(), strict=True):
            if amount > 0:
                name = self._name(value) or ""
                found[name] = found.get(name, 0.0) + amount / whole
        return tuple(sorted(found.items(), key=lambda each: (-each[1], each[0])))


def open_cover(
    source: str,
    *,
    table: str | None = None,
    crs: str | None = None,
    label: str = "label",
    include: tuple[str, ...] = (),
    exclude: tuple[str, ...] = (),
    purity: float = 0.5,
    inner_px: int | None = None,
    min_labelled: float = 0.0,
) -> Cover:
    """Classes from a raster, a CSV (see open_class_table) or polygons of any vector file.

    table: names of a raster's values, a CSV with columns value and name, or one of ours
    (``worldcover``, ``corine``, ``nlcd``, ...); by default those that the raster gives itself.
    crs: of a table's or vectors' coordinates. label: the column of vectors that holds the class.
    include, exclude: names of the classes that make a tile wanted or not. purity: least share of
    the central ``inner_px`` (by default the whole tile) of one class; 0: land cover only, so that
    every tile with a class is taken and none is given one. min_labelled: least share of the tile,
    or of its inner square, that has any class.

    Raises BadInput for classes that cannot be read, UsageError for options that cannot be.
    """
    for option, share in (("--purity", purity), ("--min-labelled", min_labelled)):
        if not 0 <= share <= 1:
            raise UsageError(f"{option} {share:g} must lie between 0 and 1.")
    classes = _opened(source, table, crs, label)
    if purity == 0 and not classes.areal:
        raise UsageError(
            f"--purity 0 tells shares of the ground alone, and {source} has points or keys, which "
            "have none; leave --purity out."
        )
    known = classes.names.values()
    for flag, asked in (("--include", include), ("--exclude", exclude)):
        for name in asked:
            if known and name not in known:
                raise UsageError(f"{flag}: {name!r} is no class of {source}.{nearest(name, known)}")
    return Cover(classes, include, exclude, purity, inner_px, min_labelled)


def _opened(source: str, table: str | None, crs: str | None, label: str) -> Classes:
    suffix = Path(source).suffix.lower()
    if suffix in (".csv", ".tsv"):
        return open_class_table(Path(source), crs, label=label)
    if suffix in VECTORS or (suffix == ".gpkg" and _holds_layers(source)):
        return open_class_vectors(source, crs, label=label)
    _check_word(source)
    try:
        return open_raster_classes(source, table)
    except BadInput as error:
        if not Path(source).is_dir():
            raise
        raise BadInput(
            f"{source}: is a folder and no class raster; give one file of classes, or --classes "
            "folders where scenes lie in folders named as their classes."
        ) from error


def _check_word(source: str) -> None:
    """A word that is no file is a slip in one of ours, or a table without its raster. Raises
    BadInput."""
    if source in BUILT_IN or not re.fullmatch(r"[\w -]+", source) or Path(source).exists():
        return
    words = ("folders", "koppen_geiger", *BUILT_IN_TABLES)
    plain = re.sub(r"[ -]", "_", source.lower())
    meant = get_close_matches(plain, words, n=1, cutoff=0.75)
    if meant and meant[0] in set(BUILT_IN_TABLES) - set(BUILT_IN):
        raise BadInput(
            f"{source}: no such file of classes; {meant[0]} is a table of names: give the raster "
            f"with --classes, and --class-table {meant[0]}."
        )
    hint = f" Did you mean {meant[0]!r}?" if meant else ""
    raise BadInput(f"{source}: no such file of classes, and none of folders, koppen_geiger.{hint}")


def _holds_layers(source: str) -> bool:
    """A GeoPackage holds vectors, rasters or both."""
    try:
        return bool(open_layers(source, crs="scene"))
    except BadInput:
        return False
