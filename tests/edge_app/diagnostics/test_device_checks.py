"""`doctor` and `outputs test`: what is reached, what is switched, what is told of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_app.cli.outputs import check_outputs
from edge_app.config import load_config
from edge_app.diagnostics.device_checks import check_devices, operate_outputs
from telemetry import ConfigError
from tests.kit.modbus import ModbusServer
from tests.kit.mosquitto import Mosquitto, free_port


@pytest.fixture
def modbus() -> Iterator[ModbusServer]:
    made = ModbusServer()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def file(tmp_path: Path, modbus: ModbusServer) -> Path:
    at = f'host = "127.0.0.1"\nport = {modbus.port}\n'
    path = tmp_path / "box.toml"
    path.write_text(
        f'[edge]\nsite = "s"\nedge = "e"\n[local_broker]\nport = {free_port()}\n'
        '[[sensor]]\nid = "s1"\nbay = "B-1"\nprofile = "plain"\n'
        f'[[sign]]\nid = "entry"\n[sign.modbus]\naddress = 4\n{at}'
        f'[[alarm_input]]\nid = "fire"\n[alarm_input.modbus]\naddress = 2\n{at}'
        '[[barrier]]\nid = "exit"\ninputs = ["fire"]\n[barrier.mqtt]\ntopic = "r"\n'
        f'[[barrier]]\nid = "gate"\ninputs = ["fire"]\n[barrier.modbus]\naddress = 1\n{at}'
    )
    return path


def test_what_answers_and_what_does_not(
    file: Path, modbus: ModbusServer, mosquitto: Path, tmp_path: Path
) -> None:
    modbus.set_input(2, True)
    config = load_config(file)
    checks = {each.what: each for each in check_devices(config)}
    assert {what for what, each in checks.items() if each.is_bad} == {
        "local broker", "barrier exit",
    }  # fmt: skip
    assert "Connection refused" in checks["barrier exit"].text
    assert checks["alarm input fire"].text == "reads 1"
    assert checks["sign entry"].text.endswith("register 4 is 0")
    assert checks["barrier gate"].text.endswith("coil 1 is 0")
    assert checks["sensors"].text == "1 for 1 bays"
    assert (modbus.coils, modbus.registers) == ([], []), "nothing is switched"
    broker = Mosquitto(mosquitto, tmp_path, port=config.local_broker.port)  # type: ignore[union-attr]
    broker.start()
    assert not any(each.is_bad for each in check_devices(config))
    broker.stop()


def test_operating_switches_what_was_named(file: Path, modbus: ModbusServer) -> None:
    checks = operate_outputs(load_config(file), ["gate", "entry"], hold_s=0.0)
    assert [each.what for each in checks] == ["sign entry", "barrier gate"]
    assert not any(each.is_bad for each in checks)
    assert modbus.coils == [(1, True), (1, False)]
    assert modbus.registers == [(4, 8888), (4, 0)]
    with pytest.raises(ConfigError, match=r"expected signs or barriers \(entry, exit, gate\)"):
        check_outputs(file, ["west"], operate=True, yes=True)
