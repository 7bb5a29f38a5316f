"""`lotsight run`: the edge service, until it is stopped."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from edge_app.logs import set_up_logging
from edge_app.memory import limit_arenas
from telemetry import ConfigError

app = typer.Typer(add_completion=False)
_log = logging.getLogger(__name__)


@app.command()
def run(
    config_file: Annotated[
        Path, typer.Option("--config", "-c", help="Configuration file; see check-config.")
    ],
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit if anything is missing at startup.")
    ] = False,
) -> None:
    """Run the edge service until SIGTERM or Ctrl-C; exit code 0 after a clean stop."""
    from edge_app.assembly import assemble, service_of
    from edge_app.diagnostics.checks import unverified_cameras
    from edge_app.remote_settings import RemoteSettings
    from edge_app.restart import begin_anew
    from edge_app.service_manager import ServiceManager

    remote = RemoteSettings(config_file)
    config = remote.config
    set_up_logging(config.log)
    limit_arenas()
    stop = _stop_on_signal()
    for each in unverified_cameras(config):
        _log.warning("%s: %s", each.what, each.text)
    box, manager = assemble(config, remote=remote), ServiceManager()
    service = service_of(box, manager)
    box.restart.stop_by(lambda: os.kill(os.getpid(), signal.SIGTERM))
    try:
        if strict and (standing := box.alarms.standing()):
            msg = "--strict: " + "; ".join(each.line for each in standing)
            raise ConfigError(msg)
        service.start()
        manager.ready()
        _log.info("%s: stopping", signal.Signals(stop.recv(1)[0]).name)
        manager.stopping()
    finally:
        service.stop()
    if box.restart.is_wanted:
        begin_anew()
    _leave()


def _leave() -> None:
    """End the process even if a reader hangs in a driver.

    All is stored and said by now. An orderly exit of the interpreter would end such a thread in the
    midst of foreign C++ code, which aborts the process ("terminate called").
    """
    if any(thread is not threading.main_thread() for thread in threading.enumerate()):
        logging.shutdown()
        os._exit(0)


def _stop_on_signal() -> socket.socket:
    """A socket that gives the number of the signal which ends the service.

    The system may hand a signal to any thread, and Python runs handlers only in the main one: if
    that waits for a lock meanwhile, it is not woken, and a box told to stop would go on. The byte
    in this socket is written at once, whichever thread the signal comes to.
    """
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.detach())  # for the rest of the process

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        """Without a handler no byte would be written, and the process ended where it stands."""

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, on_signal)
    return reader
