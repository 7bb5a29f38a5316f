"""What a model was trained on: sets, licences, and a digest of the very files."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from datasets.frames import LotFrame
from models.manifest import sha256_of
from telemetry.errors import ModelError

LICENCES = {
    "acpds": "MIT",
    "pklot_ufpr05": "CC-BY-4.0",
    "vehicles": "CC-BY-3.0 AND CC-BY-SA-4.0",
    "renders": "AGPL-3.0-or-later",
}
"""Sets whose licence is stated and open; a released model is trained on no other."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TrainedSet(_Strict):
    """One set that a model was trained on.

    Attributes:
        name: set and split.
        licence: SPDX expression.
        pictures: how many.
        sha256: digest over the lines `<sha256 of the picture>  <file>`, sorted by file.
    """

    name: str
    licence: str = Field(min_length=1)
    pictures: int = Field(gt=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class StartWeights(_Strict):
    """The checkpoint that training started from."""

    file: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    licence: Literal["AGPL-3.0-only", "AGPL-3.0-or-later"] = "AGPL-3.0-or-later"


class DataManifest(_Strict):
    """The `data` part of a model's manifest.

    Attributes:
        sets: what it was trained on.
        start: the checkpoint that training started from.
        config: the training configuration, whole.
    """

    sets: tuple[TrainedSet, ...] = Field(min_length=1)
    start: StartWeights
    config: dict[str, Any]


def data_manifest(frames: Iterable[LotFrame], start: Path, config: dict[str, Any]) -> DataManifest:
    """Describe the images that a network was trained on.

    Raises:
        ModelError: a set has no open licence on our list.
    """
    return DataManifest(
        sets=trained_sets(frames, LICENCES),
        start=StartWeights(file=start.name, sha256=sha256_of(start)),
        config=config,
    )


def trained_sets(frames: Iterable[LotFrame], licences: Mapping[str, str]) -> tuple[TrainedSet, ...]:
    """Describe sets.

    Args:
        frames: of any sets.
        licences: of the sets, by name.

    Raises:
        ModelError: a set is not among them.
    """
    files: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for frame in frames:
        entry = (frame.path.name, sha256_of(frame.path))
        files[f"{frame.set_name}/{frame.split}"].append(entry)
    sets = []
    for key, entries in sorted(files.items()):
        licence = licences.get(key.split("/")[0])
        if licence is None:
            msg = f"'{key}' has no open licence on the list {sorted(licences)}"
            raise ModelError(msg)
        lines = "".join(f"{digest}  {file}\n" for file, digest in sorted(entries))
        digest = hashlib.sha256(lines.encode()).hexdigest()
        sets.append(TrainedSet(name=key, licence=licence, pictures=len(entries), sha256=digest))
    return tuple(sets)
