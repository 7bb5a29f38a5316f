"""The network that a box judges with: found, verified, tried out, and replaced while it runs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from edge_app.alarm_texts import model_alarm
from edge_app.alarms import AlarmKind, Alarms
from edge_app.config import ModelConfig
from edge_app.golden import require_golden
from edge_app.reload import FileWatch
from models import ModelEntry, choose_model, explain_model, find_model, open_detector
from telemetry import ModelError
from telemetry.messages import ModelRef
from vision.detector import DetectorSettings, OnnxDetector
from vision.judge import Detector
from vision.session import SessionSettings

_log = logging.getLogger(__name__)


Post = Callable[[Callable[[], None]], None]
"""Has a task done by the thread that judges, between two frames."""


class ModelFiles:
    """Opens the configured model, and tells when its files were replaced."""

    def __init__(self, config: ModelConfig) -> None:
        self._config = config
        self._rolled_out: Path | None = None
        self._watches = [FileWatch(path) for path in self._paths()]

    def use_folder(self, folder: Path | None) -> None:
        """Take the model from a roll-out's folder; None: the configured one."""
        self._rolled_out = folder
        self._watches = [FileWatch(path) for path in self._paths()]

    def changed(self) -> bool:
        """Whether manifest or model file were replaced since the last look."""
        looked = [watch.changed() for watch in self._watches]  # all of them, or one stays news
        return any(looked)

    def load(self) -> OnnxDetector:
        """Verify, open and try out the model.

        Raises:
            ModelError: it is missing, is not what its manifest says, or fails on a plain picture.
        """
        return self._open(self._entry())

    def try_folder(self, folder: Path) -> None:
        """Judge a model that was fetched on the golden pictures, before it is used.

        Raises:
            ModelError: as `load`, or it gets too many bays of the golden pictures wrong.
        """
        require_golden(self._open(find_model(_manifest_in(folder))))

    def _open(self, entry: ModelEntry) -> OnnxDetector:
        settings = DetectorSettings(
            session=SessionSettings(threads=self._config.threads),
            min_confidence=self._config.min_confidence,
        )
        detector = open_detector(entry, settings=settings)
        for line in explain_model(entry, detector):
            _log.info("model %s: %s", entry.name, line)
        _try_out(detector)
        return detector

    def _entry(self) -> ModelEntry:
        if self._rolled_out is not None:
            return find_model(_manifest_in(self._rolled_out))
        hints = self._config.hints()
        if self._config.manifest_file is not None:
            return find_model(self._config.manifest_file, hints)
        return choose_model(self._config.name, hints)

    def _paths(self) -> list[Path]:
        if self._rolled_out is None and self._config.manifest_file is not None:
            path = self._config.manifest_file
        else:
            try:
                path = self._entry().path
            except ModelError:  # `load` tells; there is nothing to watch
                return []
        return [path.with_suffix(".json"), path.with_suffix(".onnx")]


class ActiveNetwork:
    """The network that judges, and who must hear of it when it is another one.

    A network that cannot be used is an alarm, and the one before goes on; at the start there may be
    none.

    Args:
        files: where it is found.
        alarms: where an invalid one is reported.
        post: has a task done by the thread that judges, between two frames.
        open_first: gives the network of the start; by default what `files` has.
    """

    def __init__(
        self,
        files: ModelFiles,
        alarms: Alarms,
        post: Post,
        open_first: Callable[[], Detector] | None = None,
    ) -> None:
        self._files = files
        self._alarms = alarms
        self._post = post
        self._users: list[Callable[[Detector], None]] = []
        self.detector: Detector | None = None
        """The one in use; None while there is none."""
        self._fault = ""
        try:
            self._use((open_first or files.load)())
        except ModelError as exc:
            self._fault = str(exc)
            alarms.set(model_alarm(exc, has_model=False))

    @property
    def has_model(self) -> bool:
        """Whether there is a network."""
        return self.detector is not None

    def model_ref(self) -> ModelRef | None:
        """Which network it is; None while there is none."""
        return None if self.detector is None else ModelRef.of(self.detector.spec)

    def subscribe(
        self, use: Callable[[Detector], None], failed: Callable[[str], None] = lambda _fault: None
    ) -> None:
        """Subscribe to the network in use, now and at each change.

        Args:
            use: gets the network; later calls come from the thread that judges.
            failed: called now, with the reason, if there is none.
        """
        self._users.append(use)
        if self.detector is None:
            failed(self._fault)
        else:
            use(self.detector)

    def reload(self) -> None:
        """Go over to the model files as they are now.

        Raises:
            ModelError: they cannot be used; the present network stays in use.
        """
        try:
            detector = self._files.load()
        except ModelError as exc:
            self._alarms.set(model_alarm(exc, has_model=self.has_model))
            raise
        self._alarms.clear(AlarmKind.MODEL)
        self._post(partial(self._use, detector))

    def reload_if_changed(self) -> None:
        """Go over to the model files if they were replaced."""
        if not self._files.changed():
            return
        try:
            self.reload()
        except ModelError as exc:
            _log.warning("cannot use the replaced file: %s", exc)

    def use_folder(self, folder: Path | None) -> None:
        """Use the model that was rolled out to `folder`; None: the configured one.

        Raises:
            ModelError: it cannot be used; the present network stays in use.
        """
        self._files.use_folder(folder)
        self.reload()

    def _use(self, detector: Detector) -> None:
        self.detector = detector
        for use in self._users:
            use(detector)
        _log.info("model %s %s in use", detector.spec.name, detector.spec.version)


def _manifest_in(folder: Path) -> Path:
    found = sorted(folder.glob("*.json"))
    if len(found) != 1:
        msg = f"{folder}: expected one model manifest (*.json), but found {len(found)}"
        raise ModelError(msg)
    return found[0]


def _try_out(detector: OnnxDetector) -> None:
    """A file may be whole and verified, and yet not run on this machine."""
    width, height = detector.spec.input_wh
    quad = np.array([[[0.4, 0.4], [0.6, 0.4], [0.6, 0.6], [0.4, 0.6]]], np.float32)
    output = detector.detect(np.full((height, width, 3), 114, np.uint8), quad)
    figures = [output.detections.confidence]
    if output.bay_prob is not None:
        figures.append(output.bay_prob)
    if not all(np.isfinite(each).all() for each in figures):
        spec = detector.spec
        msg = f"model {spec.name} {spec.version}: returns non-finite values on a blank image"
        raise ModelError(msg)
