"""A box of sensors on a clock by hand, with a real store that can be opened again."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from edge_app.alarms import Alarms
from edge_app.config import LotsightConfig, parse_config
from edge_app.delivery import BayChange, Store
from edge_app.layouts import StoredLayout
from edge_app.lot_devices import lot_bays
from edge_app.sensing import GateOutlets, Sensing, SensorOutlets, build_sensing
from telemetry import BayChangedEvent, BayState, Cause, Event, ManualClock, UnknownReason
from telemetry.layout import Layout
from telemetry.messages import LayoutBay
from tests.edge_app.delivery.kit import MODEL, events, open_store

HEAD = '[edge]\nsite = "s"\nedge = "e"\n'
NODE = "70b3d5e75e003b1a"
NWAVE = (
    f'[[sensor]]\nid = "{NODE}"\nbay = "B-07"\nprofile = "nwave-nps405"\nperiod_s = 3600\n'
    'lot = "north"\n'
)
PLAIN = '[[sensor]]\nid = "s8"\nbay = "B-08"\nprofile = "plain"\nperiod_s = 600\nlot = "north"\n'
NETWORKS = "".join(
    f'[[sensor_network]]\nkind = "{kind}"\ntopic = "{topic}"\n'
    for kind, topic in (
        ("chirpstack", "application/+/device/+/event/+"),
        ("things-stack", "v3/+/devices/+/+"),
        ("plain", "sensors/+"),
        ("zigbee2mqtt", "zigbee2mqtt/+"),
    )
) + '[local_broker]\nhost = "127.0.0.1"\n'  # fmt: skip


@dataclass
class Box:
    """Sensors, gates, their store and what they told."""

    config: LotsightConfig
    clock: ManualClock
    store: Store
    alarms: Alarms
    sensing: Sensing
    shown: dict[str, BayState]

    def chirpstack(self, hex_: str, number: int, at: datetime | None = None) -> None:
        """An uplink of the Nwave sensor."""
        body = {
            "deduplicationId": f"d{number}",
            "time": (at or self.clock.utc()).isoformat(),
            "deviceInfo": {"devEui": NODE.upper()},
            "fCnt": number,
            "fPort": 1,
            "data": base64.b64encode(bytes.fromhex(hex_)).decode(),
            "rxInfo": [{"rssi": -113, "snr": -4.5}],
        }
        self.sensing.intake("chirpstack", "up", json.dumps(body).encode())

    def plain(self, **fields: Any) -> int:
        return self.sensing.intake("plain", "", json.dumps({"device": "s8", **fields}).encode())

    def camera(self, bay: str, occ: bool | None, conf: float = 0.99) -> None:
        """What a camera says of a bay."""
        reason = UnknownReason.CAMERA_LOST if occ is None else None
        state = BayState(bay, occ, reason, conf if occ is not None else 0.0, self.clock.utc())
        cause = Cause.CAMERA_LOST if occ is None else Cause.DETECTION
        self.sensing.bays.record_camera([BayChange(state, cause, "north", "bay_head", MODEL, 3)])

    def events(self) -> list[Event]:
        return events(self.store)

    def changes(self) -> list[tuple[str, bool | None, str | None, str | None]]:
        """Bay, occupancy, reason and sensor of each change that was told."""
        return [
            (e.subject, e.data.occ, e.data.reason, e.data.sensor)
            for e in self.events()
            if isinstance(e, BayChangedEvent)
        ]

    def states(self) -> dict[str, bool | None]:
        return {state.bay: state.occ for state in self.store.states()}


MakeBox = Callable[..., Box]


@pytest.fixture
def make_box(tmp_path: Path) -> Iterator[MakeBox]:
    clock = ManualClock()
    opened: list[Store] = []

    def make(text: str, camera_bays: Sequence[str] = ()) -> Box:
        for store in opened:
            store.close()
        opened.clear()
        config = parse_config(HEAD + text, tmp_path / "box.toml")
        store, alarms = open_store(tmp_path / "store.db", clock), Alarms()
        opened.append(store)
        layout = StoredLayout(store, alarms, config.sensor)
        seen = [LayoutBay(bay=bay, camera="north", lot="north") for bay in camera_bays]
        rest = [each for each in layout.build(()).bays if each.bay not in camera_bays]
        layout.write(Layout.of([*seen, *rest]))
        shown: dict[str, BayState] = {}

        def show(
            states: Mapping[str, BayState], _alone: frozenset[str], _changes: Sequence[BayChange]
        ) -> None:
            shown.update(states)

        documents = store.documents
        sensors = SensorOutlets(
            record=layout.record,
            notify=store.record_notices,
            states=store.states,
            layout=lambda: store.layout,
            load=documents.get,
            save=documents.put,
            shown=show,
        )
        gates = GateOutlets(
            store.record_notices,
            documents.get,
            documents.put,
            lambda: None,
            partial(lot_bays, store),
        )
        sensing = build_sensing(config, None, sensors, gates, alarms, clock)
        sensing.bays.judge_all()
        return Box(config, clock, store, alarms, sensing, shown)

    yield make
    for store in opened:
        store.close()
