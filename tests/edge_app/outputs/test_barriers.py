"""Alarms open barriers by each way there is, whatever fails meanwhile."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from edge_app.alarms import AlarmKind
from edge_app.field_io import FieldError
from edge_app.outputs import InputReport
from telemetry import ConfigError
from tests.edge_app.outputs.conftest import MakeLot, WebDevice
from tests.kit.modbus import ModbusServer
from tests.kit.mosquitto import Mosquitto
from tests.kit.waiting import eventually

HTTP_INPUT = '[[alarm_input]]\nid = "fire"\nhttp = true\n'
BARRIER = '[[barrier]]\nid = "exit"\ninputs = ["fire"]\nretry_s = 0.05\n'
CLOSING = "hold_s = 0.2\nclose_after_alarm = true\n"


def modbus_at(port: int, address: int = 0) -> str:
    return f'host = "127.0.0.1"\nport = {port}\naddress = {address}\ntimeout_s = 0.5\n'


def web_relay(port: int) -> str:
    return (
        f'[barrier.http]\nopen_url = "http://127.0.0.1:{port}/on"\n'
        f'close_url = "http://127.0.0.1:{port}/off"\nusername = "box"\npassword = "geheim12"\n'
    )


def test_modbus_input_to_modbus_coil(make_lot: MakeLot, modbus: ModbusServer) -> None:
    lot = make_lot(
        f'[[alarm_input]]\nid = "fire"\ninverted = true\n[alarm_input.modbus]\npoll_s = 0.02\n'
        f"{modbus_at(modbus.port, 5)}"
        f"{BARRIER}{CLOSING}[barrier.modbus]\n{modbus_at(modbus.port, 9)}"
    )
    eventually(lambda: modbus.coils == [(9, True)], "an open contact to be an alarm")
    modbus.set_input(5, True)
    eventually(lambda: modbus.coils == [(9, True), (9, False)], "the barrier to close")
    eventually(lambda: len(lot.told()) == 2, "both events")
    assert lot.turns() == [("open", True), ("closed", True)]
    assert lot.told()[0].data.inputs == ("fire",)
    took_ms = lot.told()[0].data.took_ms
    assert took_ms is not None
    assert took_ms >= 0
    assert lot.outputs.report().barriers[0].held_open is False


def test_http_input_to_http_relay(make_lot: MakeLot, web: WebDevice) -> None:
    lot = make_lot(HTTP_INPUT + BARRIER + CLOSING + web_relay(web.port))
    lot.outputs.told("fire", True)
    lot.outputs.told("fire", True)
    lot.outputs.told("fire", False)  # a pulse, shorter than a look
    eventually(lambda: len(web.calls) == 2, "the barrier to open and close")
    assert [call[:2] for call in web.calls] == [("POST", "/on"), ("POST", "/off")]
    assert web.calls[0][3] == "Basic Ym94OmdlaGVpbTEy"
    with pytest.raises(FieldError, match=r"told over HTTP \(fire\), got 'smoke'"):
        lot.outputs.told("smoke", True)


def test_mqtt_input_to_mqtt_relay(
    make_lot: MakeLot, broker: Mosquitto, mosquitto_sub: Path
) -> None:
    heard: list[str] = []
    lot = make_lot(
        '[[alarm_input]]\nid = "fire"\n[alarm_input.mqtt]\ntopic = "a/fire"\nkey = "contact"\n'
        'on = ["false"]\noff = ["true"]\n'
        f'{BARRIER}{CLOSING}[barrier.mqtt]\ntopic = "r/exit"\n',
        broker.port,
    )
    assert lot.link is not None
    client = str(mosquitto_sub.with_name("mosquitto_pub"))

    def publish(payload: str) -> None:
        command = [client, "-p", str(broker.port), "-t", "a/fire", "-q", "1", "-m", payload]
        subprocess.run(command, check=True, timeout=20)

    link = lot.link
    eventually(lambda: link.info.connected, "the broker")
    with subprocess.Popen(
        [mosquitto_sub, "-p", str(broker.port), "-t", "r/exit", "-q", "1", "-C", "2"],
        stdout=subprocess.PIPE, text=True,
    ) as relay:  # fmt: skip
        eventually(lambda: broker.log().count("r/exit (QoS 1)") > 0, "the relay's subscription")
        publish('{"contact": "ajar"}')
        eventually(lambda: bool(lot.alarms.standing()), "an alarm about the wrong word")
        assert "expected one of false, true, but got 'ajar'" in lot.alarms.standing()[0].detail
        publish('{"contact": false}')
        publish('{"contact": true}')
        assert relay.stdout is not None
        heard = relay.stdout.read().split()
    assert heard == ["ON", "OFF"]
    assert lot.alarms.standing() == ()


def test_a_relay_that_fails_is_tried_until_it_answers(make_lot: MakeLot, web: WebDevice) -> None:
    web.status = 500
    lot = make_lot(HTTP_INPUT + BARRIER + web_relay(web.port))
    lot.outputs.told("fire", True)
    eventually(lambda: len(web.calls) >= 3, "tries")
    (alarm,) = lot.alarms.standing()
    assert (alarm.kind, alarm.device) == (AlarmKind.BARRIER, "exit")
    assert "does not open" in alarm.text
    assert "expected 2xx, but got 500" in alarm.detail
    web.status = 200
    eventually(lambda: not lot.alarms.standing(), "the relay")
    eventually(lambda: len(lot.told()) == 2, "the events")
    failed, done = (each.data for each in lot.told())
    assert (failed.done, failed.tries, failed.took_ms) == (False, 1, None)
    assert failed.error is not None
    assert "geheim12" not in failed.error
    assert (done.done, done.error) == (True, None)
    assert done.tries >= 4
    assert done.asked == failed.asked, "the time is that of the alarm"


def test_an_alarm_that_comes_back_stops_a_barrier_from_closing(
    make_lot: MakeLot, web: WebDevice
) -> None:
    lot = make_lot(HTTP_INPUT + BARRIER + CLOSING + web_relay(web.port))
    lot.outputs.told("fire", True)
    eventually(lambda: len(web.calls) == 1, "it to open")
    web.status = 500
    lot.outputs.told("fire", False)
    eventually(lambda: len(web.calls) >= 3, "tries to close")
    lot.outputs.told("fire", True)
    web.status = 200
    eventually(lambda: web.calls[-1][1] == "/on", "it to open again")
    count = len(web.calls)
    eventually(lambda: lot.turns()[-1] == ("open", True), "its event")
    assert len(web.calls) == count, "the order to close is gone"


def test_what_was_held_open_is_held_after_a_restart(make_lot: MakeLot, web: WebDevice) -> None:
    text = HTTP_INPUT + BARRIER + "repeat_s = 0.2\n" + CLOSING + web_relay(web.port)
    lot = make_lot(text)
    lot.outputs.told("fire", True)
    eventually(lambda: len(lot.told()) == 1, "the barrier to open")
    eventually(lambda: len(web.calls) >= 2, "the order to be repeated, for a relay without memory")
    lot.stop()
    web.calls.clear()
    again = make_lot(text)
    eventually(lambda: [call[1] for call in web.calls[:1]] == ["/on"], "it to be opened again")
    assert again.outputs.report().barriers[0].held_open
    assert again.outputs.report().inputs[0].alarm is True
    again.outputs.told("fire", False)
    eventually(lambda: web.calls[-1][1] == "/off", "it to close")
    eventually(lambda: again.turns()[-1] == ("closed", True), "its event")
    again.stop()
    web.calls.clear()
    third = make_lot(text)
    assert not third.outputs.report().barriers[0].held_open
    assert web.calls == [], "a barrier is never switched without an alarm"


def test_a_box_that_only_opens_lets_go(make_lot: MakeLot, web: WebDevice) -> None:
    lot = make_lot(HTTP_INPUT + BARRIER + "hold_s = 0.05\n" + web_relay(web.port))
    lot.outputs.told("fire", True)
    lot.outputs.told("fire", False)
    eventually(lambda: lot.turns() == [("open", True), ("released", True)], "both events")
    assert [call[1] for call in web.calls] == ["/on"]


def test_an_input_that_cannot_be_read_is_an_alarm_if_told_so(
    make_lot: MakeLot, modbus: ModbusServer
) -> None:
    text = (
        '[[alarm_input]]\nid = "{0}"\nlost_after_s = 0.1\nlost_is_alarm = {1}\n'
        f"[alarm_input.modbus]\npoll_s = 0.02\n{modbus_at(modbus.port)}"
    )
    lot = make_lot(text.format("strict", "true") + text.format("lax", "false"))

    def reports() -> dict[str, InputReport]:
        return {each.id: each for each in lot.outputs.report().inputs}

    eventually(lambda: all(each.alarm is False for each in reports().values()), "both to be read")
    modbus.stop()

    def strict_is_alarm() -> bool:
        lot.outputs.look()
        return reports()["strict"].alarm is True

    eventually(strict_is_alarm, "the lost input")
    eventually(lambda: reports()["lax"].fault is not None, "the other one's fault")
    assert reports()["lax"].alarm is False
    kinds = {(each.kind, each.device) for each in lot.alarms.standing()}
    assert kinds == {(AlarmKind.ALARM_INPUT, "strict"), (AlarmKind.ALARM_INPUT, "lax")}
    modbus.start()
    eventually(lambda: reports()["strict"].alarm is False, "it to be read again")
    eventually(lambda: not lot.alarms.standing(), "the alarms to end")


def test_a_modbus_device_that_refuses_says_so(make_lot: MakeLot, modbus: ModbusServer) -> None:
    lot = make_lot(HTTP_INPUT + BARRIER + f"[barrier.modbus]\n{modbus_at(modbus.port, 4_000)}")
    lot.outputs.told("fire", True)
    eventually(lambda: bool(lot.alarms.standing()), "the alarm")
    assert "coil 4000: refused with exception 2" in lot.alarms.standing()[0].detail


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param(BARRIER + "[barrier.mqtt]\ntopic = 'r'\n", "no [[alarm_input]] 'fire'",
                     id="unknown-input"),
        pytest.param(HTTP_INPUT + BARRIER, "barrier[1]: expected one of mqtt, http, modbus, but",
                     id="no-way"),
        pytest.param(HTTP_INPUT + BARRIER + web_relay(1) + f"[barrier.modbus]\n{modbus_at(1)}",
                     "but got http and modbus", id="two-ways"),
        pytest.param(HTTP_INPUT + BARRIER + "[barrier.mqtt]\ntopic = 'r'\n",
                     "[[barrier]] exit needs [local_broker]", id="no-broker"),
        pytest.param(
            HTTP_INPUT + BARRIER + "close_after_alarm = true\n[barrier.http]\n"
            "open_url = 'http://r/on'\n", "needs http.close_url", id="cannot-close"),
        pytest.param(HTTP_INPUT + "[http]\nenabled = false\n", "http.enabled is false",
                     id="no-http"),
        pytest.param(HTTP_INPUT + HTTP_INPUT, "'fire' is given twice", id="twice"),
        pytest.param(
            HTTP_INPUT + BARRIER + "[barrier.mqtt]\ntopic = 'relays/#'\n",
            "barrier[1].mqtt.topic = 'relays/#'", id="wildcard"),
        pytest.param("[local_broker]\nhost = 'broker.example'\n", "[local_broker.tls] is needed",
                     id="plaintext"),
    ],
)  # fmt: skip
def test_settings_that_do_not_fit_together(make_lot: MakeLot, text: str, fault: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_lot(text)
    assert fault in str(caught.value)
