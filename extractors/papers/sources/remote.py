"""Files on servers (https://, s3://, whatever fsspec knows): read with retries, anonymously."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, TypeVar

from domainclip.errors import BadInput, MissingExtra

__all__ = [
    "check_scheme",
    "list_remote",
    "open_remote",
    "pages_of_prefix",
    "read_remote",
    "remote_identity",
]

TRIES = 5
FIRST_WAIT_S = 0.5  # then twice as long each time: 7.5 s in all
TIMEOUT_S = 60.0

# Said of a request that may go well the next time; all other errors are the same again.
_PASSING = (ConnectionError, TimeoutError)
_PASSING_NAMES = re.compile(
    "(Client(Connection|Payload|OS)|ServerDisconnected|EndpointConnection|ConnectTimeout"
    "|ReadTimeout|ResponseStreaming|HTTPClient|ConnectionClosed|IncompleteRead|FSTimeout)Error"
    "|IncompleteRead"
)
_PASSING_STATUS = (408, 425, 429, 500, 502, 503, 504)

T = TypeVar("T")

# what fsspec reads each scheme with
_LIBRARIES = {"http": "aiohttp", "https": "aiohttp", "s3": "s3fs", "gs": "gcsfs", "gcs": "gcsfs"}
_LIBRARIES |= {"abfs": "adlfs", "az": "adlfs", "memory": "fsspec", "file": "fsspec"}


def check_scheme(url: str) -> None:
    """Raises BadInput where nothing reads URLs of this scheme, MissingExtra without fsspec."""
    _system(url)


def read_remote(url: str, *, limit: int) -> bytes:
    """All of a file's bytes. Raises BadInput (absent, forbidden, out of reach, past ``limit``)."""
    system, path = _system(url)
    # asked for as a range, so that no more than the limit comes
    data = _tried(url, lambda: bytes(system.cat_file(path, start=0, end=limit + 1)))
    if len(data) > limit:
        raise BadInput(f"{url}: holds more than {limit >> 20} MB, which is the limit.")
    return data


def open_remote(url: str) -> Any:
    """The file, open for reading and seeking; what is asked for is fetched in blocks of 1 MB."""
    system, path = _system(url)
    file = _tried(url, lambda: system.open(path, "rb", block_size=1 << 20))
    return _Retrying(file, url)


def list_remote(url: str) -> Iterator[tuple[str, bool, int]]:
    """(name, is a folder, size or -1) of everything in a folder. Raises BadInput."""
    system, path = _system(url)
    for each in _tried(url, lambda: system.ls(path, detail=True)):
        name = str(each["name"]).rstrip("/").rsplit("/", 1)[-1]
        if name and name != path.rstrip("/").rsplit("/", 1)[-1]:
            size = each.get("size")
            folder = each.get("type") == "directory" or str(each["name"]).endswith("/")
            yield name, folder, -1 if size is None else int(size)


def remote_identity(url: str) -> tuple[Any, ...]:
    """What tells this state of a file from another one."""
    system, path = _system(url)
    about = _tried(url, lambda: system.info(path))
    return (url, about.get("size"), str(about.get("ETag") or about.get("etag") or ""))


def pages_of_prefix(url: str) -> Iterator[str]:
    """Names of the folders right below an S3 bucket or prefix, page by page.

    A bucket of millions is never held. Raises BadInput.
    """
    system, path = _system(url)
    bucket, _, prefix = path.partition("/")
    token: dict[str, str] = {}
    while True:
        page = _tried(
            url,
            lambda token=token: system.call_s3(  # type: ignore[misc]
                "list_objects_v2", Bucket=bucket, Prefix=prefix, Delimiter="/", **token
            ),
        )
        for each in page.get("CommonPrefixes", ()):
            yield str(each["Prefix"]).rstrip("/").rsplit("/", 1)[-1]
        if not page.get("IsTruncated"):
            return
        token = {"ContinuationToken": page["NextContinuationToken"]}


class _Retrying:
    """An open file whose reads are tried again."""

    def __init__(self, file: Any, url: str) -> None:
        self._file, self._url = file, url

    def __enter__(self) -> _Retrying:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def read(self, size: int = -1, /) -> bytes:
        at = self._file.tell()

        def again() -> bytes:
            self._file.seek(at)
            data: bytes = self._file.read(size)
            return data

        return _tried(self._url, again)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return int(_tried(self._url, lambda: self._file.seek(offset, whence)) or 0)

    def tell(self) -> int:
        return int(self._file.tell())


def _tried(url: str, request: Callable[[], T]) -> T:
    """The request's answer, asked for again where the failure may pass."""
    for attempt in range(TRIES):
        try:
            return request()
        except FileNotFoundError as error:
            # fsspec says so too of a server that is out of order
            cause = error.__cause__ or error.__context__
            if cause is None or not _passes(cause):
                raise BadInput(f"{url}: there is no such file on the server.") from error
            failure: BaseException = cause
        except PermissionError as error:
            raise BadInput(
                f"{url}: the server refuses it; of a private S3 bucket, set AWS_PROFILE or "
                "AWS_ACCESS_KEY_ID."
            ) from error
        except Exception as error:  # each of fsspec's systems has its own
            if isinstance(error, ValueError) and re.search("range requests|seek", str(error)):
                raise BadInput(
                    f"{url}: the server gives files only from their start, and an archive is read "
                    "from its middle too; download it first and give the file."
                ) from error
            if not _passes(error):
                raise BadInput(f"{url}: cannot be read ({_words(error)}).") from error
            failure = error
        if attempt + 1 < TRIES:
            time.sleep(FIRST_WAIT_S * 2**attempt)
    raise BadInput(
        f"{url}: the server is out of reach after {TRIES} tries ({_words(failure)}); check the "
        "address and the network."
    ) from failure


def _passes(error: BaseException) -> bool:
    names = (each.__name__ for each in type(error).__mro__)
    if isinstance(error, _PASSING) or any(map(_PASSING_NAMES.fullmatch, names)):
        return True
    status = getattr(error, "status", None)
    if status is None:
        answer = getattr(error, "response", None)
        if isinstance(answer, dict):
            status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status in _PASSING_STATUS or (isinstance(error, OSError) and error.errno in (5, 16))


def _words(error: BaseException) -> str:
    return f"{type(error).__name__} {' '.join(str(error).split())[:120]}".strip()


@lru_cache(maxsize=32)
def _file_system(scheme: str, signed: bool) -> Any:
    # asked first: some of fsspec's systems connect when they are made
    if scheme not in _LIBRARIES:
        raise BadInput(
            f"{scheme}://: cannot be read from; papers come from http(s)://, s3://, gs:// and "
            "az://, so fetch these files first and give their folder."
        )
    try:
        import fsspec
    except ImportError as error:
        raise MissingExtra("web", "fsspec") from error
    try:
        options: dict[str, Any] = {}
        if scheme == "s3":
            limits = {"read_timeout": TIMEOUT_S, "retries": {"max_attempts": 0}}
            options = {"anon": not signed, "config_kwargs": limits}
        # its own cache of listings would grow with a bucket
        system = fsspec.filesystem(
            scheme, use_listings_cache=False, skip_instance_cache=True, **options
        )
        system.retries = 1  # s3fs: ours are enough
        return system
    except ImportError as error:
        library = _LIBRARIES[scheme]
        if library in ("aiohttp", "s3fs"):
            raise MissingExtra("web", library) from error
        raise BadInput(
            f"{scheme}://: is read by {library!r}, which is not installed; pip install {library}."
        ) from error
    except (TypeError, ValueError) as error:  # it wants a host or a login
        raise BadInput(
            f"{scheme}://: cannot be read from without its login ({_words(error)}); fetch these "
            "files first and give their folder."
        ) from error


def _system(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the URL as that one takes it."""
    scheme = url.partition("://")[0]
    signed = any(name in os.environ for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE"))
    system = _file_system(scheme, signed)
    return system, system._strip_protocol(url)
