"""What a sensor is asked for, in bytes, and the way by which it is reached."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy import bindparam, select

from cloud_app.config import NetworkKind, SensorsConfig
from cloud_app.errors import DownlinkError
from cloud_app.storage.database import Session
from cloud_app.storage.sensor_tables import sensor, sensor_frame
from sensors.downlinks import ENCODERS, Downlink, DownlinkAction, encode
from sensors.envelopes import DeviceAddress, ServerKind, address_of
from sensors.errors import SensorError

_SERVERS = {
    NetworkKind.CHIRPSTACK: ServerKind.CHIRPSTACK,
    NetworkKind.THINGS_STACK: ServerKind.THINGS_STACK,
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a device is to be asked for.

    Attributes:
        site, device: as `sensor` has it.
        action: what.
        interval_s: of the action `interval`.
        downlink: of the action `bytes`.
        confirmed: whether the device is to acknowledge it.
        life_s: how long it is waited for.
        id: the same id is the same downlink, however often it is asked for; made up if None.
    """

    site: str
    device: str
    action: DownlinkAction
    interval_s: int | None = None
    downlink: Downlink | None = None
    confirmed: bool = True
    life_s: float | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """How a device is reached.

    Attributes:
        name: of `[[sensors.network]]` or `[[sensors.downlink_api]]`.
        is_http: whether it is the latter.
        address: where the network server knows the device.
    """

    name: str
    is_http: bool
    address: DeviceAddress

    def encode(self) -> str:
        """As the table keeps it."""
        at = self.address
        return json.dumps([self.name, self.is_http, at.server.value, at.application, at.device])

    @classmethod
    def decode(cls, text: str) -> Way:
        """The other way round than `encode`."""
        name, is_http, server, application, device = json.loads(text)
        return cls(name, is_http, DeviceAddress(ServerKind(server), application, device))


def bytes_for(config: SensorsConfig, profile: str | None, wanted: Wanted) -> Downlink:
    """The bytes that ask a device for something.

    Raises:
        DownlinkError: nobody knows them.
    """
    if (wanted.action is DownlinkAction.BYTES) != (wanted.downlink is not None):
        msg = "f_port and payload: expected them with the action bytes, and with no other"
        raise DownlinkError(msg)
    if wanted.interval_s is not None and wanted.action is not DownlinkAction.INTERVAL:
        msg = f"interval_s: expected none with {wanted.action.value}, but got {wanted.interval_s}"
        raise DownlinkError(msg)
    if wanted.downlink is not None:
        return wanted.downlink
    for each in config.downlink:
        if (each.profile, each.action) == (profile, wanted.action):
            return each.downlink()
    if profile is None:
        msg = f"{wanted.device} has no profile in the registry, so no bytes are known for it"
        raise DownlinkError(msg)
    try:
        return encode(profile, wanted.action, wanted.interval_s)
    except SensorError as exc:
        raise DownlinkError(str(exc)) from exc


def actions_for(config: SensorsConfig, profile: str | None) -> list[DownlinkAction]:
    """What a device of a profile can be asked for; `bytes` always."""
    known = set(ENCODERS.get(profile or "", {}))
    known |= {each.action for each in config.downlink if each.profile == profile}
    return [each for each in DownlinkAction if each in known or each is DownlinkAction.BYTES]


_SENSOR = select(sensor.c.edge).where(
    sensor.c.site == bindparam("at_site"), sensor.c.device == bindparam("of_device")
)
_RAW = (
    select(sensor_frame.c.network, sensor_frame.c.raw)
    .where(
        sensor_frame.c.site == bindparam("at_site"), sensor_frame.c.device == bindparam("of_device")
    )
    .order_by(sensor_frame.c.time_ms.desc(), sensor_frame.c.frame)
    .limit(1)
)


def way_to(session: Session, config: SensorsConfig, site: str, device: str) -> Way:
    """How a device is reached: back along the way that its newest frame came.

    Raises:
        DownlinkError: there is none; with what would make one.
    """
    which = {"at_site": site, "of_device": device}
    rows = session.rows(_RAW, which)
    if not rows:
        found = session.rows(_SENSOR, which)
        edge = found[0].edge if found else None
        why = "it has not been heard of yet"
        if edge is not None:
            why = f"it speaks through box {edge}, whose own network server takes no downlinks here"
        msg = f"{device} cannot be reached: {why}"
        raise DownlinkError(msg)
    address, brought_by = address_of(rows[0].raw), rows[0].network
    if address is None:
        msg = f"{device} cannot be reached: its newest frame names no application of ChirpStack "
        raise DownlinkError(msg + "or The Things Stack")
    for network in config.network:
        may = network.sites is None or site in network.sites
        if network.name == brought_by and may and _SERVERS.get(network.kind) is address.server:
            return Way(network.name, False, address)
    for api in config.downlink_api:
        if api.kind is address.server and site in api.sites:
            return Way(api.name, True, address)
    msg = (
        f"{device} cannot be reached: its frames come from {brought_by}, and no "
        f"[[sensors.downlink_api]] of kind {address.server.value} is for site {site!r}"
    )
    raise DownlinkError(msg)
