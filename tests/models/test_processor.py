"""Which of the two committed networks fits a processor."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.processor import multiplies_bytes
from models.registry import DEFAULT_MODEL, default_model


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("flags\t\t: fpu sse4_2 avx2 avx512f avx512_vnni\n", True, id="server"),
        pytest.param("flags\t\t: fpu sse4_2 avx2 avx_vnni\n", True, id="n100"),
        pytest.param("flags\t\t: fpu sse4_2 avx2\n", False, id="old-x86"),
        pytest.param("Features\t: fp asimd crc32 asimddp\n", True, id="raspberry-pi-5"),
        pytest.param("Features\t: fp asimd crc32\n", False, id="raspberry-pi-4"),
        pytest.param("model name\t: avx512_vnni\n", False, id="only-flags-count"),
        pytest.param("", False, id="empty"),
    ],
)
def test_reads_the_flags(tmp_path: Path, text: str, expected: bool) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(text)
    assert multiplies_bytes(cpuinfo) is expected


def test_unknown_machines_get_the_float_network(tmp_path: Path) -> None:
    assert multiplies_bytes(tmp_path / "absent") is False


def test_the_default_fits_this_machine() -> None:
    assert ("lotsight-n-int8" if multiplies_bytes() else "lotsight-n") == DEFAULT_MODEL
    default_model().verify()
