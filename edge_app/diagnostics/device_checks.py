"""Looking at the devices of the lot: for `doctor` and `outputs test`."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from edge_app.config import BarrierConfig, LotsightConfig, SignConfig
from edge_app.diagnostics.checks import Check
from edge_app.field_io import FieldError, LocalLink, ModbusPoint
from edge_app.outputs.drivers import check_link, relay_of, writer_of
from edge_app.outputs.sign import SignFace, SignState
from telemetry import LotsightError, SystemClock

_CONNECT_S = 4.0
_LOOK_S = 0.05
_TEST_FACE = SignFace(SignState.SPACES, 8888, 8888, "8888")


def check_devices(config: LotsightConfig) -> list[Check]:
    """Whether the local broker, signs, inputs and barriers can be reached; switches nothing."""
    with _link(config) as link:
        checks = [] if link is None else [_tried("local broker", lambda: check_link(link))]
        checks += [_check_barrier(each, link) for each in config.barrier]
        for each in config.alarm_input:
            if each.modbus is not None:
                checks.append(_check_input(each.id, ModbusPoint(each.modbus)))
        checks += [_check_sign(each, link) for each in config.sign]
    if config.sensor:
        bays = len({each.bay for each in config.sensor})
        checks.append(Check.good("sensors", f"{len(config.sensor)} for {bays} bays"))
        if not config.sensor_network and not config.http.enabled:
            text = "no [[sensor_network]], and HTTP is switched off: nothing is heard of them"
            checks.append(Check.bad("sensors", text))
    return checks


def operate_outputs(
    config: LotsightConfig, ids: Collection[str], hold_s: float = 3.0
) -> list[Check]:
    """Switch signs and barriers, to see whether they do it.

    A sign shows 8888 and then that nothing is known, which the service corrects within its refresh.
    A barrier is opened, and closed again if the box can close it.

    Args:
        config: of the box.
        ids: which; empty: all of them.
        hold_s: for how long.
    """
    signs = [each for each in config.sign if not ids or each.id in ids]
    barriers = [each for each in config.barrier if not ids or each.id in ids]
    with _link(config) as link:
        return [
            *(_operate_sign(each, link, hold_s) for each in signs),
            *(_operate_barrier(each, link, hold_s) for each in barriers),
        ]


@contextmanager
def _link(config: LotsightConfig) -> Iterator[LocalLink | None]:
    """The local broker, once it answers or has not for long; None where none is configured."""
    if config.local_broker is None:
        yield None
        return
    where = config.edge.site, config.edge.edge
    link = LocalLink(config.local_broker.link(*where, "doctor"), SystemClock())
    link.start()
    deadline_s = time.monotonic() + _CONNECT_S
    while not link.info.connected and time.monotonic() < deadline_s:
        time.sleep(_LOOK_S)
    try:
        yield link
    finally:
        link.stop()


def _tried(what: str, look: Callable[[], str]) -> Check:
    try:
        return Check.good(what, look())
    except LotsightError as exc:
        return Check.bad(what, str(exc))


def _check_barrier(config: BarrierConfig, link: LocalLink | None) -> Check:
    def look() -> str:
        relay = relay_of(config, link)
        try:
            return relay.check()
        finally:
            relay.close()

    return _tried(f"barrier {config.id}", look)


def _check_sign(config: SignConfig, link: LocalLink | None) -> Check:
    def look() -> str:
        writer = writer_of(config, link)
        try:
            return writer.check()
        finally:
            writer.close()

    return _tried(f"sign {config.id}", look)


def _check_input(name: str, point: ModbusPoint) -> Check:
    try:
        return Check.good(f"alarm input {name}", f"reads {point.read_input():d}")
    except FieldError as exc:
        return Check.bad(f"alarm input {name}", str(exc))
    finally:
        point.close()


def _operate_sign(config: SignConfig, link: LocalLink | None, hold_s: float) -> Check:
    def look() -> str:
        writer = writer_of(config, link)
        try:
            writer.show(_TEST_FACE)
            time.sleep(hold_s)
            unknown = (config.unknown_value, config.unknown_text)
            writer.show(SignFace(SignState.UNKNOWN, None, *unknown))
        finally:
            writer.close()
        return f"took 8888, then {config.unknown_text}"

    return _tried(f"sign {config.id}", look)


def _operate_barrier(config: BarrierConfig, link: LocalLink | None, hold_s: float) -> Check:
    can_close = config.http is None or config.http.close_url is not None

    def look() -> str:
        relay = relay_of(config, link)
        try:
            began_s = time.monotonic()
            relay.switch(True)
            took_ms = 1000 * (time.monotonic() - began_s)
            time.sleep(hold_s)
            if can_close:
                relay.switch(False)
        finally:
            relay.close()
        return f"opened in {took_ms:.0f} ms" + (", closed again" if can_close else "; close it")

    return _tried(f"barrier {config.id}", look)
