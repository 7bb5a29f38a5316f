"""A LoRaWAN device's radio and its network: counts frames, and loses, repeats and delays some."""

from __future__ import annotations

import heapq
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count

from simulator.uplinks.payloads import Frame


class UplinkKind(StrEnum):
    """What a network server tells of a device."""

    UP = "up"
    JOIN = "join"
    STATUS = "status"
    """Its answer to the network's own question for battery and margin."""


@dataclass(frozen=True, slots=True)
class Device:
    """One device in a network.

    Attributes:
        dev_eui: 16 hexadecimal digits, lower case.
        name: as the network server has it.
        profile: of its family, and the name of the network server's device profile.
    """

    dev_eui: str
    name: str
    profile: str


@dataclass(frozen=True, slots=True)
class Reception:
    """One gateway that heard a frame.

    Attributes:
        gateway: its id, 16 hexadecimal digits.
        rssi_dbm: signal strength.
        snr_db: signal to noise.
    """

    gateway: str
    rssi_dbm: int
    snr_db: float


@dataclass(frozen=True, slots=True)
class Uplink:
    """A frame as the network server has it; times in seconds since 1970.

    Attributes:
        device: whose.
        kind: what it is.
        id: the server's; the same in a repetition.
        sent_s: when it was on the air.
        f_cnt: of the session, from 0 after each join.
        frame: what it carries; None of a join or a status.
        heard: by which gateways.
        battery_pct: of a status.
    """

    device: Device
    kind: UplinkKind
    id: str
    sent_s: float
    f_cnt: int
    frame: Frame | None
    heard: tuple[Reception, ...]
    battery_pct: float | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """An uplink that arrives at whoever listens to the network server.

    Attributes:
        at_s: when, seconds since 1970.
        uplink: which.
    """

    at_s: float
    uplink: Uplink


@dataclass(frozen=True, slots=True)
class Air:
    """How good the air and the network are.

    Attributes:
        lost_share: of the frames that nobody hears.
        repeated_share: that are delivered a second time.
        late_share: that the gateway or the server holds back for a while.
        late_s: for so long.
        travel_s: of all others.
        gateways: that may hear the device.
        rssi_dbm: about, at the best gateway.
        snr_db: likewise.
    """

    lost_share: float = 0.01
    repeated_share: float = 0.01
    late_share: float = 0.005
    late_s: tuple[float, float] = (5.0, 120.0)
    travel_s: tuple[float, float] = (0.1, 0.6)
    gateways: Sequence[str] = ("a84041ffff1e0001", "a84041ffff1e0002")
    rssi_dbm: float = -97.0
    snr_db: float = 7.5

    def __post_init__(self) -> None:
        """Refuse shares that are none."""
        shares = (self.lost_share, self.repeated_share, self.late_share)
        if not all(0 <= share <= 1 for share in shares) or not self.gateways:
            msg = f"expected shares in 0..1 and a gateway, but got {shares}, {self.gateways}"
            raise ValueError(msg)


CLEAR = Air(lost_share=0.0, repeated_share=0.0, late_share=0.0)
"""Every frame arrives once and soon."""


@dataclass(slots=True)
class Transmitter:
    """Counts a device's frames and says what arrives of them, and when.

    Attributes:
        device: whose.
        air: how good it is.
        rng: of what happens to the frames; own to the device.
        sent: how many frames there were.
        lost: of these, that nobody heard.
    """

    device: Device
    air: Air
    rng: random.Random
    sent: int = 0
    lost: int = 0
    _f_cnt: int = -1
    _under_way: list[tuple[float, int, Uplink]] = field(default_factory=list)
    _order: count[int] = field(default_factory=count)

    def join(self, at_s: float) -> None:
        """A new session; its frames are counted from 0."""
        self._f_cnt = -1
        self._deliver(at_s, self._uplink(at_s, UplinkKind.JOIN, None))

    def send(self, at_s: float, frame: Frame) -> None:
        """A frame of the application."""
        self._f_cnt += 1
        self.sent += 1
        if self.rng.random() < self.air.lost_share:
            self.lost += 1
            return
        uplink = self._uplink(at_s, UplinkKind.UP, frame)
        self._deliver(at_s, uplink)
        if self.rng.random() < self.air.repeated_share:
            self._deliver(at_s + self.rng.uniform(1.0, 5.0), uplink)

    def tell_status(self, at_s: float, battery_pct: float) -> None:
        """The answer to the network's question."""
        self._deliver(at_s, self._uplink(at_s, UplinkKind.STATUS, None, battery_pct))

    def arrived(self, to_s: float) -> list[Delivery]:
        """What arrived up to a time and was not asked for before, in order of arrival."""
        found = []
        while self._under_way and self._under_way[0][0] <= to_s:
            at_s, _, uplink = heapq.heappop(self._under_way)
            found.append(Delivery(at_s, uplink))
        return found

    @property
    def waits(self) -> bool:
        """Whether a frame is under way."""
        return bool(self._under_way)

    def _deliver(self, at_s: float, uplink: Uplink) -> None:
        late = self.rng.random() < self.air.late_share
        takes_s = self.rng.uniform(*(self.air.late_s if late else self.air.travel_s))
        heapq.heappush(self._under_way, (at_s + takes_s, next(self._order), uplink))

    def _uplink(
        self, at_s: float, kind: UplinkKind, frame: Frame | None, battery_pct: float | None = None
    ) -> Uplink:
        name = str(uuid.UUID(int=self.rng.getrandbits(128), version=4))
        f_cnt = max(0, self._f_cnt)
        return Uplink(self.device, kind, name, at_s, f_cnt, frame, self._heard(), battery_pct)

    def _heard(self) -> tuple[Reception, ...]:
        first, *others = self.air.gateways
        near = [first, *(each for each in others if self.rng.random() < 0.5)]  # noqa: PLR2004
        return tuple(
            Reception(
                gateway,
                round(self.rng.gauss(self.air.rssi_dbm - 8 * index, 3)),
                round(self.rng.gauss(self.air.snr_db - 3 * index, 1), 1),
            )
            for index, gateway in enumerate(near)
        )
