"""Files of the Hugging Face hub: the local copy first, then the network, and a clear end without.

The hub's own client retries for half a minute per file where there is no network; here the host
is asked once.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from huggingface_hub import constants, hf_hub_download
from huggingface_hub.errors import EntryNotFoundError, RepositoryNotFoundError

from domainclip.errors import BadInput

__all__ = ["check_reachable", "fetch"]

_TIMEOUT_S = 5.0


def fetch(repository: str, names: Sequence[str], cache_dir: str | None = None) -> Path:
    """The first of those files that the repository (``org/name``) has.

    Raises BadInput: no hub in reach, no such repository, none of the files in it.
    """
    for name in names:
        try:
            return Path(
                hf_hub_download(repository, name, cache_dir=cache_dir, local_files_only=True)
            )
        except (OSError, ValueError):  # not there yet, or no name that the hub could hold
            continue
    check_reachable(f"{repository!r} is not stored here", constants.ENDPOINT)
    for name in names:
        try:
            return Path(hf_hub_download(repository, name, cache_dir=cache_dir))
        except EntryNotFoundError:
            continue
        except RepositoryNotFoundError as error:
            raise BadInput(
                f"the hub has no repository {repository!r}, or it needs a login (HF_TOKEN)."
            ) from error
        except (OSError, ValueError) as error:
            reason = str(error).partition("\n")[0][:200]
            message = f"{repository!r} could not be fetched from the hub ({reason})."
            raise BadInput(message) from error
    raise BadInput(f"{repository!r} on the hub has none of: {', '.join(names)}.")


def check_reachable(what: str, address: str) -> None:
    """Raise BadInput, beginning with ``what``, unless the address's host answers (or a proxy may).

    Environment: HF_HUB_OFFLINE forbids the network, HTTPS_PROXY is trusted to reach it.
    """
    host, port = urlsplit(address).hostname or address, urlsplit(address).port or 443
    if not constants.HF_HUB_OFFLINE:
        if os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy"):
            return
        try:
            socket.create_connection((host, port), timeout=_TIMEOUT_S).close()
            return
        except OSError:
            pass
    raise BadInput(
        f"{what}, and {host} cannot be reached from here. Name a local folder as the backbone, "
        "give a local checkpoint as pretrained, or try 'embedded', which needs no network."
    )
