"""One point of a Modbus TCP device: a coil, a discrete input or a holding register.

Each point has a connection of its own, so that a look at an input never makes a relay wait. The
addresses are those on the wire, counted from 0 (Modbus Application Protocol 1.1b3, section 4.4).
"""

from __future__ import annotations

import importlib.util
import logging
import threading
from collections.abc import Callable
from typing import Any

from edge_app.config import ModbusDevice
from edge_app.field_io.errors import FieldError
from telemetry import ConfigError


def require_modbus() -> None:
    """See that the extra is installed.

    Raises:
        ConfigError: it is not.
    """
    if importlib.util.find_spec("pymodbus") is None:
        msg = "Modbus needs the extra `modbus`: pip install 'lotsight[modbus]'"
        raise ConfigError(msg)


class ModbusPoint:
    """Reads or writes one point; safe between threads.

    Args:
        device: where it is.

    Raises:
        ConfigError: the extra `modbus` is not installed.
    """

    def __init__(self, device: ModbusDevice) -> None:
        require_modbus()
        from pymodbus.client import ModbusTcpClient

        # It logs each failed try on its own; what is wrong is told by whoever uses this.
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
        self._device = device
        self._where = f"modbus {device.host}:{device.port} unit {device.unit}"
        self._client: Any = ModbusTcpClient(
            device.host, port=device.port, timeout=device.timeout_s, retries=0
        )
        self._lock = threading.Lock()

    def write_coil(self, value: bool) -> None:
        """Switch a coil.

        Raises:
            FieldError: the device does not answer, or refuses.
        """
        self._ask(f"coil {self._device.address}", self._client.write_coil, value)

    def write_register(self, value: int) -> None:
        """Write a holding register.

        Raises:
            FieldError: the device does not answer, or refuses.
        """
        self._ask(f"register {self._device.address}", self._client.write_register, value)

    def read_input(self) -> bool:
        """A discrete input.

        Raises:
            FieldError: the device does not answer, or refuses.
        """
        what = f"input {self._device.address}"
        return bool(self._ask(what, self._client.read_discrete_inputs).bits[0])

    def read_coil(self) -> bool:
        """A coil.

        Raises:
            FieldError: the device does not answer, or refuses.
        """
        what = f"coil {self._device.address}"
        return bool(self._ask(what, self._client.read_coils).bits[0])

    def read_register(self) -> int:
        """A holding register.

        Raises:
            FieldError: the device does not answer, or refuses.
        """
        what = f"register {self._device.address}"
        return int(self._ask(what, self._client.read_holding_registers).registers[0])

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            self._client.close()

    def _ask(self, what: str, request: Callable[..., Any], *values: object) -> Any:
        from pymodbus.exceptions import ModbusException

        with self._lock:
            try:
                if not self._client.connected and not self._client.connect():
                    msg = f"{self._where}: no connection"
                    raise FieldError(msg)
                answer = request(self._device.address, *values, device_id=self._device.unit)
            except (ModbusException, OSError) as exc:
                self._client.close()
                msg = f"{self._where}, {what}: {exc}"
                raise FieldError(msg) from exc
            if answer.isError():
                code = getattr(answer, "exception_code", None)
                msg = f"{self._where}, {what}: refused with exception {code}"
                raise FieldError(msg)
            return answer
