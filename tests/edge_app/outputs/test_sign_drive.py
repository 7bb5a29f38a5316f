"""Signs are told by each way there is, and again after they failed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from edge_app.alarms import AlarmKind
from edge_app.outputs import LotFigures
from tests.edge_app.outputs.conftest import MakeLot, WebDevice
from tests.kit.modbus import ModbusServer
from tests.kit.mosquitto import Mosquitto
from tests.kit.waiting import eventually

SIGN = '[[sign]]\nid = "entry"\nmin_interval_s = 0.01\n'


def test_a_register_shows_the_number_and_its_fallback(
    make_lot: MakeLot, modbus: ModbusServer
) -> None:
    lot = make_lot(
        f"{SIGN}unknown_value = 9_999\n[sign.modbus]\n"
        f'host = "127.0.0.1"\nport = {modbus.port}\naddress = 12\n'
    )
    eventually(lambda: modbus.registers == [(12, 7)], "the first number")
    lot.figures = LotFigures(unknown=10)
    lot.outputs.states_changed()
    eventually(lambda: modbus.registers == [(12, 7), (12, 9_999)], "the fallback")
    report = lot.outputs.report().signs[0]
    assert (report.text, report.free) == ("--", None)


def test_an_http_sign_is_told_again_after_it_failed(make_lot: MakeLot, web: WebDevice) -> None:
    web.status = 503
    lot = make_lot(
        f'{SIGN}refresh_s = 0.2\n[sign.http]\nurl = "http://127.0.0.1:{web.port}/show"\n'
        'method = "POST"\ntoken = "zeichen-77"\n'
    )
    eventually(lambda: bool(lot.alarms.standing()), "the alarm")
    assert lot.alarms.standing()[0].kind is AlarmKind.SIGN
    web.status = 200
    lot.figures = LotFigures(occupied=3)
    eventually(lambda: lot.outputs.report().signs[0].text == "FULL", "the sign")
    method, path, body, login = web.calls[-1]
    assert (method, path, login) == ("POST", "/show", "Bearer zeichen-77")
    assert json.loads(body) == {"state": "full", "free": 0, "value": 0, "text": "FULL"}
    assert lot.alarms.standing() == ()
    count = len(web.calls)
    eventually(lambda: len(web.calls) > count, "a sign that forgets to be told again")


def test_an_mqtt_sign_is_retained(
    make_lot: MakeLot, broker: Mosquitto, mosquitto_sub: Path
) -> None:
    lot = make_lot(f'{SIGN}format = "text"\n[sign.mqtt]\ntopic = "signs/entry"\n', broker.port)
    eventually(lambda: lot.outputs.report().signs[0].text == "7", "the sign")
    command = [
        str(mosquitto_sub),
        "-p",
        str(broker.port),
        "-t",
        "signs/entry",
        "-C",
        "1",
        "-W",
        "10",
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=20)
    assert done.stdout.strip() == "7"
