"""A repository that is really signed, in a folder and on loopback."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]
from tuf.api.metadata import (  # type: ignore[attr-defined]
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)


class QuietFiles(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@dataclass
class Repository:
    """A TUF repository in a folder, signed by keys of its own."""

    folder: Path
    keys: dict[str, CryptoSigner] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    version: int = 0
    expires: datetime = field(default_factory=lambda: datetime.now(UTC) + timedelta(days=1))

    def __post_init__(self) -> None:
        (self.folder / "metadata").mkdir(parents=True)
        (self.folder / "targets").mkdir()
        root = Root(expires=self.expires, consistent_snapshot=True)
        for role in ("root", "timestamp", "snapshot", "targets"):
            self.keys[role] = CryptoSigner.generate_ed25519()
            root.add_key(self.keys[role].public_key, role)
        self._write("1.root", "root", Metadata(root))

    @property
    def trusted_root(self) -> Path:
        return self.folder / "metadata" / "1.root.json"

    def publish(self, name: str, body: bytes) -> None:
        """Sign a new state of the repository with this file in it."""
        self.files[name] = body
        self.version += 1
        targets = Targets(version=self.version, expires=self.expires)
        for each, data in self.files.items():
            target = TargetFile.from_data(each, data, ["sha256"])
            targets.targets[each] = target
            path = self.folder / "targets" / f"{target.hashes['sha256']}.{each}"
            path.write_bytes(data)
        snapshot = Snapshot(
            version=self.version,
            expires=self.expires,
            meta={"targets.json": MetaFile(self.version)},
        )
        timestamp = Timestamp(
            version=self.version, expires=self.expires, snapshot_meta=MetaFile(self.version)
        )
        self._write(f"{self.version}.targets", "targets", Metadata(targets))
        self._write(f"{self.version}.snapshot", "snapshot", Metadata(snapshot))
        self._write("timestamp", "timestamp", Metadata(timestamp))

    @contextmanager
    def served(self) -> Iterator[str]:
        """Serve the folder on this machine; the address."""
        handler = partial(QuietFiles, directory=str(self.folder))
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_address[1]}"
            finally:
                server.shutdown()
                thread.join()

    def stored(self, name: str) -> Path:
        (path,) = (self.folder / "targets").glob(f"*.{name}")
        return path

    def _write(self, name: str, role: str, metadata: Metadata[Any]) -> None:
        metadata.sign(self.keys[role])
        metadata.to_file(str(self.folder / "metadata" / f"{name}.json"))
