"""The process of the cloud: `lotsight-cloud`, which ends when the city does, even by SIGKILL.

The city holds the other end of our standard input and never writes: its end is the city's.
"""

from __future__ import annotations

import os
import signal
import sys
import threading


def main() -> None:
    """Serve until told to stop, or until nobody is left to tell."""
    threading.Thread(target=_end_with_parent, args=(sys.stdin.fileno(),), daemon=True).start()
    from cloud_app.cli import main as serve

    serve()


def _end_with_parent(parent: int) -> None:
    while os.read(parent, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
