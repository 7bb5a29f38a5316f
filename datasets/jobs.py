"""Many like pieces of work, done here in turn or, with `datasets.cluster`, on many machines.

Work is a value: it holds what every piece needs and can be sent to another process. So the same
work gives the same results wherever it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol, TypeVar

from models import open_detector
from models.manifest import Manifest
from models.registry import ModelEntry
from vision.detector import OnnxDetector
from vision.input_size import InputPlan
from vision.types import Floats, ImageBgr, NetworkOutput, NetworkSpec

Piece = TypeVar("Piece")
Result = TypeVar("Result")


class Runner(Protocol):
    """Does pieces of work."""

    def run(
        self, work: Callable[[Piece], Result], pieces: Sequence[Piece]
    ) -> Iterator[tuple[int, Result]]:
        """Do `work` on every piece.

        Args:
            work: gives the same result for the same piece, whichever process does it; a runner may
                do a piece twice.
            pieces: what it is done on.

        Returns:
            Index of each piece and its result, as they become ready, each piece once.
        """
        ...


class SequentialRunner:
    """Does one piece after the other in this process."""

    def run(
        self, work: Callable[[Piece], Result], pieces: Sequence[Piece]
    ) -> Iterator[tuple[int, Result]]:
        """Do `work` on every piece; see `Runner`."""
        return ((index, work(piece)) for index, piece in enumerate(pieces))


@dataclass(frozen=True, slots=True)
class TravellingDetector:
    """A detector that can be sent to another process, which opens the model file itself.

    An open ONNX Runtime session cannot be sent. Each process opens a model once and keeps it.

    Attributes:
        entry: the model; its file lies at the same path on every machine, and each checks it.
        threads: of one forward pass; 0 for every core.
    """

    entry: ModelEntry
    threads: int

    @property
    def spec(self) -> NetworkSpec:
        """What network this is, as its graph completes the manifest.

        Raises:
            ModelError: the model cannot be opened.
        """
        return self._here().spec

    def detect(
        self, image_bgr: ImageBgr, bay_quads_norm: Floats, plan: InputPlan | None = None
    ) -> NetworkOutput:
        """Judge one image.

        Raises:
            ModelError: the model cannot be opened, or failed.
        """
        return self._here().detect(image_bgr, bay_quads_norm, plan)

    def _here(self) -> OnnxDetector:
        # The manifest as text, since a manifest has no hash to be found by.
        return _opened(self.entry.manifest.model_dump_json(), self.entry.path, self.threads)


@cache
def _opened(manifest_json: str, path: Path, threads: int) -> OnnxDetector:
    entry = ModelEntry(Manifest.model_validate_json(manifest_json), path)
    return open_detector(entry, threads=threads)
