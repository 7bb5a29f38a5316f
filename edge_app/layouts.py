"""From the calibrations of a box's cameras to the layout that it publishes."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError

from calibration import Bay, Calibration
from edge_app.alarm_texts import layout_alarm
from edge_app.alarms import AlarmKind, Alarms
from edge_app.config import SensorConfig
from edge_app.delivery import BayChange, Store
from edge_app.layout_names import lot_id
from telemetry import ConfigError, TelemetryError
from telemetry.bay_sensors import SENSORS_CAMERA
from telemetry.bounds import MAX_MESSAGE_BYTES
from telemetry.layout import Layout, check_fits
from telemetry.messages import LayoutBay, Location, LotInfo
from telemetry.payload_checks import describe

_PICTURE_DECIMALS = 4


def build_layout(
    calibrations: Sequence[Calibration], sensors: Sequence[SensorConfig] = ()
) -> Layout:
    """All bays of a box: cameras in the order given, bays in calibration order, then the others.

    Args:
        calibrations: of the cameras.
        sensors: bay sensors; a bay that a camera sees too is that camera's.

    Raises:
        ConfigError: two cameras have a bay of the same id (a bay has one state, so it may belong
            to one camera only) or count for one gate, or there are more bays, cameras or zones
            than the contract's messages hold.
    """
    try:
        layout = _layout_of(calibrations, sensors)
        if len(layout.encode()) > MAX_MESSAGE_BYTES:
            # The bays themselves matter more than how they look on a plan.
            layout = _without_pictures(layout)
        check_fits(layout)
    except ValidationError as exc:
        raise ConfigError(describe(exc, "layout that a box can publish")) from exc
    except TelemetryError as exc:
        raise ConfigError(str(exc)) from exc
    return layout


def _layout_of(calibrations: Sequence[Calibration], sensors: Sequence[SensorConfig]) -> Layout:
    owner: dict[str, str] = {}
    _check_gates(calibrations)
    bays: list[LayoutBay] = []
    lots: dict[str, LotInfo] = {}
    for calibration in calibrations:
        lot = lot_id(calibration.lot.name)
        lots.setdefault(lot, _lot_info(lot, calibration))
        for bay in calibration.bays:
            if bay.id in owner:
                msg = (
                    f"bay {bay.id!r} is in the calibrations of cameras {owner[bay.id]!r} and "
                    f"{calibration.camera!r}: a bay belongs to one camera; remove it from one"
                )
                raise ConfigError(msg)
            owner[bay.id] = calibration.camera
            bays.append(_layout_bay(bay, calibration.camera, lot))
    for sensor in sensors:
        if sensor.bay in owner:
            continue
        owner[sensor.bay] = SENSORS_CAMERA
        bays.append(_sensed_bay(sensor))
        if sensor.lot is not None:
            lots.setdefault(sensor.lot, LotInfo(lot=sensor.lot))
    return Layout.of(bays, tuple(lots.values()))


def _check_gates(calibrations: Sequence[Calibration]) -> None:
    """A gate has one running total, so one camera counts for it."""
    owner: dict[str, str] = {}
    for calibration in calibrations:
        for line in calibration.lines:
            other = owner.setdefault(line.id, calibration.camera)
            if other != calibration.camera:
                msg = (
                    f"counted line {line.id!r} stands in the calibrations of cameras {other!r} and "
                    f"{calibration.camera!r}: give each gate an id of its own"
                )
                raise ConfigError(msg)


def _without_pictures(layout: Layout) -> Layout:
    bays = tuple(bay.model_copy(update={"picture": None}) for bay in layout.bays)
    return layout.model_copy(update={"bays": bays})


class StoredLayout:
    """The layout in the store, and what is recorded under it.

    A full disk can keep a layout from being written. It is late then, and no state is recorded: the
    store does not know the bays yet.
    """

    def __init__(self, store: Store, alarms: Alarms, sensors: Sequence[SensorConfig] = ()) -> None:
        self._store = store
        self._alarms = alarms
        self._sensors = tuple(sensors)
        self.is_late = False
        """Whether the newest layout waits to be written."""

    def build(self, calibrations: Sequence[Calibration]) -> Layout:
        """The layout of these calibrations and of the box's sensors.

        Raises:
            ConfigError: see `build_layout`.
        """
        return build_layout(calibrations, self._sensors)

    def write(self, layout: Layout) -> bool:
        """Write a layout; whether it was late, so that every bay's state is to be recorded."""
        try:
            self._store.set_layout(layout)
        except TelemetryError as exc:
            self.is_late = True
            self._alarms.set(layout_alarm(exc))
            return False
        was_late, self.is_late = self.is_late, False
        self._alarms.clear(AlarmKind.LAYOUT)
        return was_late

    def record(self, changes: Sequence[BayChange]) -> None:
        """Record changes of states for good."""
        if not self.is_late:
            self._store.record(changes)


def _lot_info(lot: str, calibration: Calibration) -> LotInfo:
    place = calibration.lot.location
    return LotInfo(
        lot=lot,
        name=calibration.lot.name[:128],
        levels=calibration.lot.levels,
        location=None if place is None else Location(lat=place.lat_deg, lon=place.lon_deg),
    )


def _layout_bay(bay: Bay, camera: str, lot: str) -> LayoutBay:
    return LayoutBay(
        bay=bay.id,
        camera=camera,
        kind=bay.kind,
        angle=bay.angle,
        zone=bay.zone,
        lot=lot,
        level=None if bay.level is None else bay.level[:32],
        picture=tuple((_fraction(x), _fraction(y)) for x, y in bay.polygon),
    )


def _sensed_bay(sensor: SensorConfig) -> LayoutBay:
    return LayoutBay(
        bay=sensor.bay,
        camera=SENSORS_CAMERA,
        kind=sensor.kind,
        zone=sensor.zone,
        lot=sensor.lot,
        level=sensor.level,
    )


def _fraction(value: float) -> float:
    """Within the picture, to half a pixel of 4K."""
    return min(max(round(value, _PICTURE_DECIMALS), 0.0), 1.0)
