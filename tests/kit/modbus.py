"""A real Modbus TCP server (pymodbus's) on loopback, whose inputs a test can switch."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from tests.kit.mosquitto import free_port

_SIZE = 64
_READ_INPUTS, _WRITE_COIL, _WRITE_REGISTER = 2, 5, 6
_BITS = 16


class ModbusServer:
    """Coils, discrete inputs and holding registers of unit 1, addresses 0 to 63.

    Args:
        port: to listen at.
        on_coil: told of coils that clients write.
    """

    def __init__(
        self, port: int | None = None, on_coil: Callable[[int, bool], None] | None = None
    ) -> None:
        self.port = port or free_port()
        self.coils: list[tuple[int, bool]] = []
        self.registers: list[tuple[int, int]] = []
        self._inputs: set[int] = set()
        self._on_coil = on_coil
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    def set_input(self, address: int, value: bool) -> None:
        """Switch a discrete input."""
        self._inputs = self._inputs | {address} if value else self._inputs - {address}

    def start(self) -> None:
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True)
        self._thread.start()
        assert ready.wait(20)

    def stop(self) -> None:
        if self._loop is not None and self._stop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(10)
        self._loop = self._stop = self._thread = None

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        bits = [SimData(0, count=_SIZE, values=False, datatype=DataType.BITS)]
        words = [SimData(0, count=_SIZE, values=0, datatype=DataType.REGISTERS)]
        device = SimDevice(
            1, (bits, bits, words, words), use_bit_addressing=True, action=self._action
        )
        server = ModbusTcpServer(device, address=("127.0.0.1", self.port))
        await server.serve_forever(background=True)
        ready.set()
        await self._stop.wait()
        await server.shutdown()  # type: ignore[no-untyped-call]

    async def _action(
        self,
        function: int,
        start: int,
        address: int,
        _count: int,
        registers: list[int],
        values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        if function == _READ_INPUTS:
            word = address // _BITS
            bits = (1 << each % _BITS for each in self._inputs if each // _BITS == word)
            registers[word - start] = sum(bits)
        elif function == _WRITE_COIL and values:
            self.coils.append((address, bool(values[0])))
            if self._on_coil is not None:
                self._on_coil(address, bool(values[0]))
        elif function == _WRITE_REGISTER and values:
            self.registers.append((address, int(values[0])))
        return None
