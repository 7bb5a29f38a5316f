"""Files of a repository signed by The Update Framework.

TUF guards against a forged file, an old file passed off as new, and a repository frozen in time;
the trusted root comes with the box and rotates by itself. Source: TUF specification 1.0,
theupdateframework.io; python-tuf.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import quote, urlsplit

from securesystemslib.exceptions import StorageError
from tuf.api.exceptions import DownloadError, DownloadLengthMismatchError, RepositoryError
from tuf.ngclient.config import UpdaterConfig
from tuf.ngclient.updater import Updater
from tuf.ngclient.urllib3_fetcher import Urllib3Fetcher

from edge_app.delivery.config import is_loopback
from edge_app.delivery.rollout import check_room
from edge_app.delivery.slots import RolloutError

_USER_AGENT = "lotsight"


class _Downloads(Urllib3Fetcher):
    """Files are received beside where they go: /tmp may be the box's memory.

    Attributes:
        folder: where; None: the system's folder for temporary files.
    """

    folder: Path | None = None

    @contextmanager
    def download_file(self, url: str, max_length: int) -> Iterator[IO[bytes]]:
        """As tuf's own: never more than `max_length` bytes of a file."""
        received = 0
        with tempfile.TemporaryFile(dir=self.folder) as file:
            for chunk in self.fetch(url):
                received += len(chunk)
                if received > max_length:
                    msg = f"received {received} bytes, expected at most {max_length}"
                    raise DownloadLengthMismatchError(msg)
                file.write(chunk)
            file.seek(0)
            yield file


class TufFetcher:
    """Fetches what the repository's roles have signed, and nothing else.

    Args:
        url: of the repository, with `metadata/` and `targets/` below it. HTTPS, except on this
            machine: TUF needs no secrecy, but a box makes no plaintext requests.
        trusted_root: `root.json` as it came with the box.
        metadata_folder: where verified metadata is kept, so that nothing can be rolled back.

    Raises:
        RolloutError: the address is no HTTPS address, or the trusted root cannot be read.
    """

    def __init__(self, url: str, trusted_root: Path, metadata_folder: Path) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
            msg = f"repository: expected an https:// URL, but got {url!r}"
            raise RolloutError(msg)
        self._url = url.rstrip("/")
        self._metadata_folder = metadata_folder
        try:
            self._root = trusted_root.read_bytes()
        except OSError as exc:
            msg = f"{trusted_root}: cannot read the trusted root: {exc.strerror or exc}"
            raise RolloutError(msg) from exc

    def fetch(self, target: str, folder: Path) -> Path:
        """Put the file named `target` into `folder`.

        Raises:
            RolloutError: the repository cannot be reached, its signatures are wrong, or it holds no
                such file.
        """
        path = folder / Path(target).name
        try:
            self._metadata_folder.mkdir(parents=True, exist_ok=True)
            downloads = _Downloads(app_user_agent=_USER_AGENT)
            updater = Updater(
                str(self._metadata_folder),
                f"{self._url}/metadata/",
                target_base_url=f"{self._url}/targets/",
                fetcher=downloads,
                config=UpdaterConfig(app_user_agent=_USER_AGENT),
                bootstrap=self._root,
            )
            info = updater.get_targetinfo(target)
            if info is None:
                msg = f"{self._url}: no signed file {quote(target)!r}"
                raise RolloutError(msg)
            # Twice: it lies there once more while it is copied to its place.
            check_room(folder, 2 * info.length)
            downloads.folder = folder
            updater.download_target(info, str(path))
        except (DownloadError, RepositoryError, StorageError, OSError, ValueError) as exc:
            msg = f"{self._url}: {target}: {type(exc).__name__}: {exc}"
            raise RolloutError(msg) from exc
        return path
