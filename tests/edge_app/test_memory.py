"""The limit of heaps is set where there is glibc."""

from __future__ import annotations

import platform

from edge_app.memory import limit_arenas


def test_heaps_are_limited_where_the_c_library_can() -> None:
    assert limit_arenas() is (platform.libc_ver()[0] == "glibc")
