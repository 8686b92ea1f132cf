"""What lies below a folder of an object store: s3://bucket/folder/, gs:// and az://.

A store has no folders but keys with slashes in them, so that the path must end in one. Rasterio
lists nothing; pyogrio does, by a GDAL of its own, which needs the same settings.
"""

from __future__ import annotations

import re

import pyogrio

from domainclip.errors import BadInput

from .remote import network_options, vsi_path

__all__ = ["files_of_store", "is_store_folder"]

_FOLDER = re.compile(r"(?:(?:s3|gs|az)://|/vsi(?:s3|gs|az)/)[^/?]+(?:/|/[^?]*/)?")


def is_store_folder(root: str) -> bool:
    """Is it a bucket, or a path in one that ends in a slash?"""
    return _FOLDER.fullmatch(root) is not None


def files_of_store(root: str) -> list[str]:
    """The names of all files below it, relative to it, in their order; without those that are
    hidden or that lead out of it. Raises BadInput where there are none, or they cannot be listed.
    """
    folder = vsi_path(root).rstrip("/") + "/"
    options = network_options(folder)
    try:
        pyogrio.set_gdal_config_options(options)
        found = pyogrio.vsi_listtree(folder)
    except FileNotFoundError as error:
        raise BadInput(
            f"{root}: there is no such folder, or it may not be listed"
            f"{' without credentials' if 'AWS_NO_SIGN_REQUEST' in options else ''}."
        ) from error
    finally:
        pyogrio.set_gdal_config_options(dict.fromkeys(options))
    names = (path.removeprefix(folder) for path in found if not path.endswith("/"))
    return sorted(name for name in names if all(map(_is_plain, name.split("/"))))


def _is_plain(part: str) -> bool:
    return bool(part) and not part.startswith(".") and "\\" not in part and part != "__MACOSX"
