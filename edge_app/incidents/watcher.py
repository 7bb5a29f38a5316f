"""Watches one camera's judged frames for vehicles that stand as they should not."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from pydantic import TypeAdapter, ValidationError
from shapely.geometry.base import BaseGeometry

from calibration import Calibration
from edge_app.config import IncidentsConfig
from edge_app.delivery import IncidentChange, Store, StoreError
from edge_app.live_state import LiveState
from edge_app.observation import Observation
from telemetry import BlockSource, Cause, IncidentEnd
from telemetry.messages import ModelRef
from vision.geometry import to_pixels
from vision.incidents import (
    BlockFilter,
    BlockSettings,
    Incident,
    IncidentTracker,
    Lot,
    LotGround,
    Moment,
    Placed,
    neighbour_reach,
    place,
    sightings,
)
from vision.incidents.ground import movement, polygon_of
from vision.types import Floats
from vision.view_match import apply_matrix

_log = logging.getLogger(__name__)

_BEGAN = TypeAdapter(dict[str, datetime])


@dataclass(frozen=True, slots=True)
class IncidentOutlets:
    """Where a watcher puts what it finds.

    Attributes:
        store: takes incidents over for good, and keeps the stays over a restart.
        live_state: the live state.
    """

    store: Store
    live_state: LiveState


class IncidentWatcher:
    """A `Observer` of one camera.

    Args:
        camera: the camera's id.
        config: what to look for.
        outlets: store and live_state.
        new_id: gives an id that was never given before.
    """

    def __init__(
        self,
        camera: str,
        config: IncidentsConfig,
        outlets: IncidentOutlets,
        new_id: Callable[[], str] | None = None,
    ) -> None:
        self._camera = camera
        self._config = config
        self._outlets = outlets
        self._finding = config.finding_settings()
        self._settings = config.incident_settings()
        self._tracker = IncidentTracker(camera, self._settings, new_id or random_id)
        self._calibration: Calibration | None = None
        self._limits_s: Mapping[str, float] = {}
        self._polygons: tuple[Floats, ...] = ()
        self._lot: Lot | None = None
        self._kept: dict[str, datetime] = {}
        self._block_settings = BlockSettings(hold_s=config.hold_s)
        self._blocks = BlockFilter(self._block_settings)

    def restore(self, now: Moment, *, stale: bool) -> None:
        """Go on from what the store kept.

        Args:
            now: the present.
            stale: whether the box was down so long that another vehicle may be there.
        """
        known = [each for each in self._outlets.store.incidents() if each.camera == self._camera]
        if stale:
            self._record([each.over(IncidentEnd.RESTART, now.utc) for each in known], None, 0)
            self._keep({})
            return
        self._tracker.restore(known, now)
        self._blocks.restore(self._outlets.store.blocked_bays())
        self._kept = self._read()
        self._tracker.stays.restore(self._kept, now)
        self._show()

    def observe(self, observation: Observation) -> None:
        """Take in one judged frame."""
        now = Moment(observation.frame.captured_mono_s, observation.frame.captured_utc)
        changed: list[Incident] = []
        if observation.calibration is not self._calibration:
            changed += self._go_over(observation.calibration, now)
        classes = [
            observation.spec.classes[int(kind)] for kind in observation.output.detections.class_id
        ]
        lot = self._lot_of(observation)
        detections, head_prob = observation.output.detections, observation.head_prob
        placed = place(detections, head_prob, lot.ground, self._finding)
        seen = sightings(detections, classes, head_prob, lot, self._finding, placed)
        changed += self._tracker.look(seen, now)
        changed += self._tracker.watch_stays(observation.states, self._limits_s, now)
        self._record(changed, ModelRef.of(observation.spec), observation.calibration.revision)
        self._keep(self._tracker.stays.began())
        if self._config.blocked:
            self._look_for_blocks(observation, placed, lot)

    # -- inside ----------------------------------------------------------------------------------

    def _look_for_blocks(self, observation: Observation, placed: Placed, lot: Lot) -> None:
        """Tell which free bays are blocked by the vehicle beside them, and which no longer."""
        reach = neighbour_reach(
            placed, observation.evidence.prob, lot.ground, lot.image_wh, self._block_settings
        )
        mono_s, store = observation.frame.captured_mono_s, self._outlets.store
        changed = self._blocks.look(observation.states, reach.share, mono_s)
        for bay, blocked in changed.items():
            try:
                store.set_blocked(bay, blocked, BlockSource.CAMERA, Cause.DETECTION)
            except StoreError as exc:  # the layout went meanwhile
                _log.debug("camera %s: %s", self._camera, exc)

    def _go_over(self, calibration: Calibration, now: Moment) -> list[Incident]:
        """Work with another calibration; incidents of bays that are gone are over."""
        self._calibration, self._lot = calibration, None
        limits = {bay.id: self._settings.limit_s(bay.kind, bay.zone) for bay in calibration.bays}
        self._limits_s = {bay: limit_s for bay, limit_s in limits.items() if limit_s is not None}
        self._tracker.stays.keep(calibration.bay_ids)
        return self._tracker.close(IncidentEnd.CONFIG, now, calibration.bay_ids)

    def _lot_of(self, observation: Observation) -> Lot:
        """The bays in this frame; recomputed only when calibration, size or view changed."""
        height, width = observation.frame.image_bgr.shape[:2]
        known, polygons = self._lot, observation.polygons_norm
        if known is not None and known.image_wh == (width, height):
            same = len(polygons) == len(self._polygons) and all(
                np.array_equal(a, b) for a, b in zip(polygons, self._polygons, strict=True)
            )
            if same:
                return known
        calibration = observation.calibration
        polygons_px = [to_pixels(polygon, (width, height)) for polygon in polygons]
        ground = LotGround.of(polygons_px, [bay.angle for bay in calibration.bays])
        self._polygons = polygons
        self._lot = Lot(
            bay_ids=calibration.bay_ids,
            kinds=tuple(bay.kind for bay in calibration.bays),
            ground=ground,
            areas=self._areas(observation, ground, (width, height)),
            image_wh=(width, height),
        )
        return self._lot

    def _areas(
        self, observation: Observation, ground: LotGround, image_wh: tuple[int, int]
    ) -> tuple[tuple[str, BaseGeometry], ...]:
        calibration = observation.calibration
        if not calibration.areas:
            return (("", ground.hull()),) if self._config.between_bays else ()
        # The view guard moves the bays with the view; the areas go the same way.
        moved = movement(calibration.polygons_norm(), observation.polygons_norm)
        found: list[tuple[str, BaseGeometry]] = []
        for area in calibration.areas:
            outline = np.asarray(area.polygon, np.float32)
            if moved is not None:
                outline = apply_matrix(outline, moved)
            found.append((area.name, polygon_of(to_pixels(outline, image_wh))))
        return tuple(found)

    def _record(self, changed: Sequence[Incident], model: ModelRef | None, revision: int) -> None:
        store = self._outlets.store
        if changed and store.layout is not None:
            store.record_incidents([IncidentChange(each, model, revision) for each in changed])
        for each in changed:
            what = "begins" if each.is_open else f"is over ({each.end})"
            _log.info(
                "camera %s: %s %s: %s", self._camera, each.kind, what, " ".join(each.bays) or "-"
            )
        self._show(changed)

    def _show(self, changed: Sequence[Incident] = ()) -> None:
        begun = [each for each in changed if each.is_open]
        self._outlets.live_state.set_incidents(self._camera, self._tracker.open_incidents(), begun)

    def _keep(self, began: dict[str, datetime]) -> None:
        """Keep when stays began, if that changed."""
        if began == self._kept:
            return
        try:
            self._outlets.store.documents.put(self._name, _BEGAN.dump_json(began).decode())
        except StoreError as exc:  # it is tried again with the next frame
            _log.debug("camera %s: %s", self._camera, exc)
            return
        self._kept = dict(began)

    def _read(self) -> dict[str, datetime]:
        body = self._outlets.store.documents.get(self._name)
        try:
            return {} if body is None else _BEGAN.validate_json(body)
        except ValidationError as exc:
            _log.warning("cannot read %s, stays restart from zero: %s", self._name, exc)
            return {}

    @property
    def _name(self) -> str:
        return f"stays/{self._camera}"


def watch_incidents(
    cameras: Sequence[str],
    config: IncidentsConfig,
    outlets: IncidentOutlets,
    now: Moment,
    *,
    stale: bool,
) -> dict[str, IncidentWatcher]:
    """A watcher for each camera, which resumes from what the store kept.

    Args:
        cameras: of the box; none is watched when incidents are disabled.
        config: what to look for.
        outlets: store and live_state.
        now: the present.
        stale: see `IncidentWatcher.restore`.
    """
    watchers = {
        camera: IncidentWatcher(camera, config, outlets) for camera in cameras if config.enabled
    }
    for watcher in watchers.values():
        watcher.restore(now, stale=stale)
    store = outlets.store
    # What is no longer watched would never end.
    orphans = [each for each in store.incidents() if each.camera not in watchers]
    if orphans and store.layout is not None:
        over = [each.over(IncidentEnd.CONFIG, now.utc) for each in orphans]
        store.record_incidents([IncidentChange(each, None, 0) for each in over])
    return watchers


def random_id() -> str:
    """An id of an incident: 64 random bits, so no counter has to survive the store."""
    return f"i-{secrets.token_hex(8)}"
