"""Rasters far away: GDAL's settings for HTTP and object stores, and reads that are taken up again.

GDAL itself repeats a request that was answered by 429, 500, 502, 503 or 504, or whose connection
was reset. What fails nonetheless (a connection dropped within a block, a server away for some
seconds) is read again from a dataset opened anew. Settings: GDAL, "Configuration options",
https://gdal.org/en/stable/user/configoptions.html#networking-options.
"""

from __future__ import annotations

import os
import re
import time
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import rasterio
from rasterio._path import _parse_path, _vsi_path
from rasterio.env import getenv, hasenv
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import DatasetReader
from rasterio.session import DummySession, Session

from .errors import GDAL_ERRORS, ServerGone, words_of

__all__ = [
    "environment",
    "is_remote",
    "network_options",
    "open_dataset",
    "unsigned",
    "vsi_path",
    "without_secrets",
]

# every worker has a block cache of its own; GDAL's default is 5 % of the machine's memory for each
BLOCK_CACHE_BYTES = 256 * 2**20

NETWORK = {
    # no listing of the folder, no guesses at sidecars: each would be a request
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_INGESTED_BYTES_AT_OPEN": "32768",  # the header of most cloud-optimised GeoTIFFs
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    "GDAL_HTTP_MULTIPLEX": "YES",
    "GDAL_HTTP_CONNECTTIMEOUT": "10",
    # a stalled transfer ends, a slow one does not
    "GDAL_HTTP_LOW_SPEED_TIME": "30",
    "GDAL_HTTP_LOW_SPEED_LIMIT": "100",
    "GDAL_HTTP_MAX_RETRY": "4",
    "GDAL_HTTP_RETRY_DELAY": "0.25",  # seconds, doubled each time
    "GDAL_HTTP_RETRY_CODES": "429,500,502,503,504",
    "VSI_CACHE": "TRUE",
    "VSI_CACHE_SIZE": str(16 * 2**20),  # of each open file
    "CPL_VSIL_CURL_CACHE_SIZE": str(64 * 2**20),
}
# waits before a failed read is tried again on a dataset opened anew, seconds
PAUSES_S = (0.5, 3.0, 10.0)
# a server found dead is not asked again for so long, so that each tile does not wait for it
DEAD_S = 120.0

_REMOTE = re.compile(
    r"(?:^|[+\"'>])(?:https?|ftp|s3|gs|az|adls|oss|swift)://"
    r"|/vsi(?:curl|s3|gs|az|adls|oss|swift|webhdfs|hdfs)(?:_streaming)?[/?]"
)


def is_remote(path: str) -> bool:
    """Does it lead over the network? URLs, s3://, gs://, /vsicurl/ and the like, also within the
    name of a subdataset, of a member of an archive or the XML of a VRT."""
    return _REMOTE.search(path) is not None


def vsi_path(path: str) -> str:
    """The path as GDAL takes it: ``s3://a/b`` is ``/vsis3/a/b``."""
    return str(_vsi_path(_parse_path(path)))


def without_secrets(path: str) -> str:
    """A URL without its query and user, which may hold a signature or a password."""
    if not is_remote(path):
        return path
    path = re.sub(r"^/vsicurl/(?=\w+://)", "", path)
    return re.sub(r"(?<=://)[^/@\s]*@", "", path.partition("?")[0])


def environment(path: str) -> rasterio.Env:
    """GDAL's settings for a path, to be entered around opening and reading.

    What the user has set, as an environment variable or in a rasterio.Env around, is left as it is,
    but for Python code in a VRT, which is never run.
    S3 requests go unsigned where there is no sign of any credentials.
    """
    options = {"GDAL_CACHEMAX": BLOCK_CACHE_BYTES}
    always = {"GDAL_VRT_ENABLE_PYTHON": "NO"}  # what a file says is never run
    if not is_remote(path):
        return rasterio.Env(**_not_set(options), **always)
    session: Session = DummySession()
    if "/vsis3/" in vsi_path(path) and not unsigned(path):
        # boto3's where it is installed; GDAL finds those in the environment alone
        session = Session.aws_or_dummy()
    return rasterio.Env(session=session, **_not_set(options), **network_options(path), **always)


def network_options(path: str) -> dict[str, Any]:
    """GDAL's settings for a path over the network, but for those that the user has set."""
    options: dict[str, Any] = dict(NETWORK)
    if unsigned(path):
        options["AWS_NO_SIGN_REQUEST"] = "YES"
    return _not_set(options)


def unsigned(path: str) -> bool:
    """Is S3 asked without a signature, since there is no sign of any credentials?"""
    return "/vsis3/" in vsi_path(path) and not _has_aws_credentials()


def open_dataset(path: str, *, drivers: list[str] | None = None, **options: Any) -> Any:
    """A dataset opened for reading, in the environment of its path; of a remote one, reads that
    fail are taken up again.

    drivers: the only ones that may take it. options: GDAL's open options. Raises GDAL_ERRORS.
    """
    kind = RemoteReader if is_remote(path) else DatasetReader
    with environment(path):
        try:
            return _opened(kind, path, drivers, options)
        except GDAL_ERRORS:
            if kind is DatasetReader:
                raise
        time.sleep(PAUSES_S[0])
        with rasterio.Env(CPL_VSIL_CURL_NON_CACHED=vsi_path(path)):
            return _opened(kind, path, drivers, options)


def _opened(kind: Any, path: str, drivers: list[str] | None, options: dict[str, Any]) -> Any:
    with warnings.catch_warnings():
        # a scene without a place is a scene
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        return kind(_parse_path(path), driver=drivers, sharing=False, **options)


class RemoteReader(DatasetReader):
    """A dataset over the network whose failed reads are repeated on one opened anew.

    A read that fails each time though the file opens is that of a damaged file: it raises what GDAL
    says, and later ones are repeated once. Where the file no longer opens, ServerGone (a BadInput)
    names the URL.
    """

    def __init__(self, path: Any, **options: Any) -> None:
        super().__init__(path, **options)
        self._reopen = path, options
        self._fresh: Any = self
        self._damaged, self._dead_until, self._said = False, 0.0, ""

    def read(self, *args: Any, **kwargs: Any) -> Any:
        return self._persist("read", args, kwargs)

    def read_masks(self, *args: Any, **kwargs: Any) -> Any:
        return self._persist("read_masks", args, kwargs)

    def dataset_mask(self, *args: Any, **kwargs: Any) -> Any:
        return self._persist("dataset_mask", args, kwargs)

    def _persist(self, what: str, args: Any, kwargs: Any) -> Any:
        name = str(_vsi_path(self._reopen[0]))
        if time.monotonic() < self._dead_until:
            raise ServerGone(self._said)
        with environment(name):
            try:
                return getattr(DatasetReader, what)(self._fresh, *args, **kwargs)
            except GDAL_ERRORS as error:
                failed: BaseException = error
            opened = 0
            # forgets what is cached of the file once it is closed; the repeating is done here
            again = {"CPL_VSIL_CURL_NON_CACHED": _source(name), "GDAL_HTTP_MAX_RETRY": "1"}
            with rasterio.Env(**_not_set(again, of_user=True)):
                for pause in PAUSES_S[:1] if self._damaged else PAUSES_S:
                    time.sleep(pause)
                    try:
                        self._renew()
                        opened += 1
                        return getattr(DatasetReader, what)(self._fresh, *args, **kwargs)
                    except GDAL_ERRORS as error:
                        failed = error
        if opened:
            self._damaged = True
            raise failed
        self._dead_until = time.monotonic() + DEAD_S
        self._said = (
            f"{without_secrets(_source(name))}: the server no longer answers ({words_of(failed)}); "
            "run the same command again when it does."
        )
        raise ServerGone(self._said) from failed

    def _renew(self) -> None:
        path, options = self._reopen
        if self._fresh is not self:
            with suppress(*GDAL_ERRORS):
                self._fresh.close()
        self._fresh = self
        self._fresh = DatasetReader(path, **options)


def _source(name: str) -> str:
    """Of the XML of a warped scene, the path of its source."""
    found = re.search(r"<SourceDataset[^>]*>([^<]*)<", name)
    return found[1].replace("&amp;", "&") if found else name


def _not_set(options: dict[str, Any], *, of_user: bool = False) -> dict[str, Any]:
    """Those that neither an environment variable nor (unless of_user) an Env around has set."""
    own = set(os.environ)
    if not of_user and hasenv():
        own |= set(getenv())
    return {name: value for name, value in options.items() if name not in own}


def _has_aws_credentials() -> bool:
    """Is there any sign of them, that of a machine at Amazon with a role included?"""
    names = (
        "AWS_ACCESS_KEY_ID",
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_ROLE_ARN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    )
    if any(os.environ.get(name) for name in names):
        return True
    shared = os.environ.get("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")
    files = (shared, os.environ.get("AWS_CONFIG_FILE", "~/.aws/config"))
    if any(Path(file).expanduser().is_file() for file in files):
        return True
    with suppress(OSError):
        return "Amazon" in Path("/sys/devices/virtual/dmi/id/sys_vendor").read_text()
    return False
