"""Keeps frames worth labelling: sees the judged frames, its own thread does the work."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import deque
from dataclasses import dataclass, field
from functools import partial

import cv2
import numpy as np

from edge_app.alarms import Alarm, AlarmKind, Alarms
from edge_app.config import HarvestConfig
from edge_app.harvest.counters import Limit
from edge_app.harvest.scoring import (
    FlapCounter,
    FrameSignature,
    Worth,
    box_probs,
    signature_of,
    worth_of,
)
from edge_app.harvest.store import HarvestStore
from edge_app.host_metrics import disk_free_bytes
from edge_app.observation import Observation
from edge_app.worker import Worker
from harvest import (
    HarvestedBay,
    HarvestedBox,
    HarvestedFrame,
    HarvestError,
    HarvestReason,
    Obscured,
)
from telemetry import Clock
from telemetry.messages import ModelRef
from vision.geometry import to_norm
from vision.privacy import PrivacySettings, PrivateScene, obscure
from vision.types import Floats

_log = logging.getLogger(__name__)

LEAST_FREE_BYTES = 200 * 1024 * 1024
"""Kept free on the disk: states and events come before images."""
WAITING = 2
"""Frames that may wait for the thread; each holds a whole image in memory."""
LOOK_EVERY_S = 5.0
"""Of one camera a frame is looked at no more often: the network's work comes first."""
_GLANCES_KEPT = 16
_DAY_S = 86_400.0


@dataclass(slots=True)
class _Track:
    """One camera's harvest.

    Attributes:
        rng: of the sampled moments.
        sample_s: when the next frame is kept by chance.
        next_s: before that no frame is looked at.
        flaps: bays that change again and again.
        signatures: at the frames kept last.
    """

    rng: np.random.Generator
    sample_s: float
    next_s: float = 0.0
    flaps: FlapCounter = field(default_factory=FlapCounter)
    signatures: deque[FrameSignature] = field(default_factory=lambda: deque(maxlen=_GLANCES_KEPT))


class Harvester:
    """A `Observer` of every camera.

    In a worker's thread it only decides whether a frame may be looked at: a comparison of times.
    The rest is done one frame after another in a thread that ends when it has nothing to do.

    Args:
        config: budget and thresholds.
        privacy: what may be made out in a kept frame.
        store: where frames are kept.
        clock: time.
        alarms: where a full disk is reported.
    """

    def __init__(
        self,
        config: HarvestConfig,
        privacy: PrivacySettings,
        store: HarvestStore,
        clock: Clock,
        alarms: Alarms,
    ) -> None:
        self._config = config
        self._privacy = privacy
        self.store = store
        self._clock = clock
        self._alarms = alarms
        self._tracks: dict[str, _Track] = {}
        self._worker = Worker("harvest")
        self._waiting = 0
        self._idle = threading.Condition()

    def observe(self, observation: Observation) -> None:
        """Take one judged frame; see `Observer`."""
        with self._idle:
            track = self._tracks.get(observation.calibration.camera)
            if track is None:
                track = self._tracks[observation.calibration.camera] = self._new_track()
        now_s = observation.frame.captured_mono_s
        track.flaps.note(observation)
        if now_s < track.next_s:
            return
        track.next_s = now_s + LOOK_EVERY_S
        with self._idle:
            if self._waiting >= WAITING:
                self.store.counters.refuse(Limit.BUSY)
                return
            self._waiting += 1
        self._worker.do(partial(self._work, track, observation, track.flaps.is_flapping(now_s)))

    def wait(self, timeout_s: float = 10.0) -> bool:
        """Wait until nothing waits; False: not within that time."""
        with self._idle:
            return self._idle.wait_for(lambda: self._waiting == 0, timeout_s)

    # -- in the harvest's thread -----------------------------------------------------------------

    def _work(self, track: _Track, observation: Observation, flapping: bool) -> None:
        try:
            self._consider(track, observation, flapping)
        except HarvestError as exc:
            self.store.counters.fail(str(exc), self._clock.utc())
            self._alarms.set(_no_frames(str(exc)))
        finally:
            with self._idle:
                self._waiting -= 1
                self._idle.notify_all()

    def _consider(self, track: _Track, observation: Observation, flapping: bool) -> None:
        now_s = observation.frame.captured_mono_s
        signature = signature_of(observation)
        if any(signature.repeats(other) for other in track.signatures):
            return
        boxes = box_probs(observation)
        last = track.signatures[-1] if track.signatures else None
        worth = worth_of(
            observation,
            boxes,
            other_light=last is not None and signature.is_other_light(last),
            flapping=flapping,
        )
        if now_s >= track.sample_s:
            worth = Worth(worth.score, (*worth.reasons, HarvestReason.SAMPLED))
        elif worth.score < self._config.least_worth_share or not worth.reasons:
            return
        camera, utc = observation.calibration.camera, observation.frame.captured_utc
        if not self.store.wants(camera, worth.score, utc):
            self.store.counters.refuse(Limit.DAY)
        elif self._has_room():
            self._keep(observation, boxes, worth)
            track.signatures.append(signature)
            track.next_s = now_s + self._config.every_s
        if HarvestReason.SAMPLED in worth.reasons:
            track.sample_s = now_s + self._pause_s(track.rng)

    def _keep(self, observation: Observation, boxes: Floats | None, worth: Worth) -> None:
        scene = PrivateScene(
            observation.polygons_norm,
            [np.asarray(mask.polygon, np.float32) for mask in observation.calibration.masks],
            observation.output.detections.xyxy_px,
            observation.moving,
        )
        shown = obscure(observation.frame.image_bgr, scene, self._privacy)
        quality = [cv2.IMWRITE_JPEG_QUALITY, self._config.jpeg_quality]
        picture = cv2.imencode(".jpg", shown.image_bgr, quality)[1].tobytes()
        privacy = Obscured(
            masks=len(scene.masks_norm),
            outside=shown.outside,
            bay_px=self._privacy.bay_px,
            vehicles=shown.vehicles,
            share=round(shown.share, 4),
        )
        frame = described(observation, boxes, worth, picture, privacy)
        if self.store.add(frame, picture):
            reasons = ", ".join(frame.reasons)
            _log.info("harvest: %s kept, worth %.2f: %s", frame.file, frame.score, reasons)
        self._alarms.clear(AlarmKind.HARVEST)

    def _has_room(self) -> bool:
        free = disk_free_bytes(self.store.folder.parent)
        if free is None or free >= LEAST_FREE_BYTES:
            return True
        self.store.counters.refuse(Limit.DISK)
        least = LEAST_FREE_BYTES // 2**20
        text = f"{self.store.folder}: {free // 2**20} MiB free, expected {least} or more"
        self._alarms.set(_no_frames(text))
        return False

    def _new_track(self) -> _Track:
        rng = np.random.default_rng((self._config.seed, len(self._tracks)))
        return _Track(rng, self._clock.mono_s() + self._pause_s(rng))

    def _pause_s(self, rng: np.random.Generator) -> float:
        """To the next sampled frame: any moment is as likely as any other (a Poisson process)."""
        if self._config.sampled_per_day == 0:
            return float("inf")
        return float(rng.exponential(_DAY_S / self._config.sampled_per_day))


def _no_frames(why: str) -> Alarm:
    return Alarm(
        AlarmKind.HARVEST,
        "no frames are being kept for labelling",
        why,
        "Free up disk space; bays are still judged and published.",
    )


def described(
    observation: Observation, boxes: Floats | None, worth: Worth, picture: bytes, privacy: Obscured
) -> HarvestedFrame:
    """All that is known of a frame that is kept."""
    camera, frame, spec = observation.calibration.camera, observation.frame, observation.spec
    height, width = frame.image_bgr.shape[:2]
    found = observation.output.detections
    xyxy = to_norm(found.xyxy_px.reshape(-1, 2, 2), (width, height)).clip(0, 1).reshape(-1, 4)
    utc = frame.captured_utc
    stamp = f"{utc:%Y%m%dT%H%M%S}{utc.microsecond // 1000:03d}"
    return HarvestedFrame(
        file=f"frames/{camera}-{stamp}.jpg",
        sha256=hashlib.sha256(picture).hexdigest(),
        camera=camera,
        captured_utc=utc,
        image_wh=(width, height),
        revision=observation.calibration.revision,
        model=ModelRef.of(spec),
        bays=tuple(_bay(observation, boxes, index) for index in range(len(observation.states))),
        boxes=tuple(
            HarvestedBox(
                xyxy_norm=tuple(round(float(side), 5) for side in box),
                confidence=round(float(confidence), 4),
                vehicle=spec.classes[int(kind)],
            )
            for box, confidence, kind in zip(xyxy, found.confidence, found.class_id, strict=True)
        ),
        reasons=worth.reasons,
        score=round(worth.score, 4),
        privacy=privacy,
    )


def _bay(observation: Observation, boxes: Floats | None, index: int) -> HarvestedBay:
    state = observation.states[index]
    outline = observation.polygons_norm[index].clip(0, 1)
    return HarvestedBay(
        id=state.bay,
        polygon_norm=tuple((float(x), float(y)) for x, y in outline),
        prob=round(float(observation.evidence.prob[index]), 4),
        box_prob=None if boxes is None else round(float(boxes[index]), 4),
        occ=state.occ,
        reason=state.reason,
    )
