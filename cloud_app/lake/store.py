"""Where the objects of a lake are: a folder, or a bucket that speaks S3."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError
from obstore.store import LocalStore, S3Store

from cloud_app.config import LakeConfig, S3Config
from cloud_app.errors import LakeError


@dataclass(frozen=True, slots=True)
class LakeStore:
    """Objects by path. Every error of the store becomes a `LakeError`.

    Attributes:
        store: obstore's.
        name: of the place, for people.
        folder: on disk; None in an object store.
        s3: what DuckDB's file system is made of; None on disk.
    """

    store: Any
    name: str
    folder: Path | None = None
    s3: S3Config | None = None

    @classmethod
    def of(cls, config: LakeConfig) -> LakeStore:
        """Open the store of a configuration.

        Raises:
            LakeError: the folder cannot be made, or the settings make no sense to the store.
        """
        if config.folder is not None:
            folder = config.folder.absolute()
            with _mapped(str(folder)):
                folder.mkdir(parents=True, exist_ok=True)
                return cls(LocalStore(folder), str(folder), folder)
        assert config.s3 is not None  # noqa: S101 - LakeConfig has exactly one of both
        s3 = config.s3
        name = f"s3://{s3.bucket}/{s3.prefix}".rstrip("/")
        with _mapped(name):
            return cls(S3Store(**s3_settings(s3)), name, s3=s3)

    def create(self, path: str, content: bytes) -> None:
        """Write an object that must not be there yet; it lasts when this returns."""
        with _mapped(f"{self.name}/{path}"):
            obstore.put(self.store, path, content, mode="create")
            self._sync(path)

    def replace(self, path: str, content: bytes) -> None:
        """Write an object, over what is there: a reader gets the one or the other, whole."""
        with _mapped(f"{self.name}/{path}"):
            obstore.put(self.store, path, content)
            self._sync(path)

    def read(self, path: str) -> bytes:
        """An object's content."""
        with _mapped(f"{self.name}/{path}"):
            return bytes(obstore.get(self.store, path).bytes())

    def delete(self, path: str) -> None:
        """Delete an object; one that is not there is deleted already."""
        with _mapped(f"{self.name}/{path}"):
            try:
                obstore.delete(self.store, path)
            except NotFoundError:
                return

    def paths(self, prefix: str) -> Iterator[str]:
        """All objects below a prefix."""
        with _mapped(f"{self.name}/{prefix}"):
            for page in obstore.list(self.store, prefix):
                yield from (str(each["path"]) for each in page)

    def _sync(self, path: str) -> None:
        """Bring a file of the disk onto it, with its names; an object store did so itself."""
        if self.folder is None:
            return
        place = self.folder / path
        _fsync(place)
        for folder in place.parents:
            _fsync(folder)
            if folder == self.folder:
                break


def s3_settings(s3: S3Config) -> Mapping[str, Any]:
    """A bucket's settings as obstore takes them."""
    secret = s3.secret_access_key
    given = {
        "bucket": s3.bucket,
        "prefix": s3.prefix or None,
        "endpoint": s3.endpoint,
        "region": s3.region,
        "access_key_id": s3.access_key_id,
        "secret_access_key": secret.get_secret_value() if secret else None,
    }
    is_plain = s3.endpoint is not None and s3.endpoint.startswith("http://")
    timeout = timedelta(seconds=s3.timeout_s)
    return {
        **{name: value for name, value in given.items() if value is not None},
        "client_options": {"allow_http": is_plain, "timeout": timeout},
        # The lake's worker comes again by itself, and a stop should not wait for minutes.
        "retry_config": {"max_retries": 2, "retry_timeout": timeout},
    }


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _mapped(what: str) -> Iterator[None]:
    """Map errors of obstore and of the disk to ours: the one border with both."""
    try:
        yield
    except AlreadyExistsError as exc:
        msg = f"{what}: expected no object of this name, but there is one"
        raise LakeError(msg) from exc
    except NotFoundError as exc:
        msg = f"{what}: no such object"
        raise LakeError(msg) from exc
    except (BaseError, OSError, ValueError, TypeError) as exc:
        # Below the first line obstore tells its own structures, with headers and addresses.
        told = str(exc).splitlines()[0] if str(exc) else type(exc).__name__
        msg = f"{what}: the store refused: {told}"
        raise LakeError(msg) from exc
