"""A small base map made here: vector tiles of one town in a PMTiles file of version 3."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

ATTRIBUTION = "Ground of the tests"
_EXTENT = 4096
_HEADER = struct.Struct("<7sB11Q6BiiiiBii")
_NO_COMPRESSION, _MVT = 1, 1

Ring = Sequence[tuple[float, float]]


def write_base_map(file: Path, lon: float, lat: float, zoom: int = 12) -> None:
    """Land, a lake beside a place and a road through it: nine tiles of one zoom."""
    tiles = {}
    x, y = _place(lon, lat, zoom)
    for column in range(int(x) - 1, int(x) + 2):
        for row in range(int(y) - 1, int(y) + 2):
            tiles[_tile_id(zoom, column, row)] = _tile((x - column) * _EXTENT, (y - row) * _EXTENT)
    bounds = (lon - 0.2, lat - 0.2, lon + 0.2, lat + 0.2)
    file.write_bytes(pmtiles(tiles, zoom, bounds))


def pmtiles(tiles: dict[int, bytes], zoom: int, bounds: tuple[float, float, float, float]) -> bytes:
    """The archive: header, one directory, metadata, tiles; nothing compressed."""
    ids = sorted(tiles)
    directory = _varints([len(ids)])
    directory += _varints(b - a for a, b in zip([0, *ids], ids, strict=False))
    directory += _varints(1 for _ in ids)
    directory += _varints(len(tiles[each]) for each in ids)
    # 0: right after the one before.
    directory += _varints([1, *(0 for _ in ids[1:])])
    metadata = json.dumps({"attribution": ATTRIBUTION, "name": "test"}).encode()
    data = b"".join(tiles[each] for each in ids)
    start = _HEADER.size
    meta_at, data_at = start + len(directory), start + len(directory) + len(metadata)
    west, south, east, north = (round(each * 1e7) for each in bounds)
    header = _HEADER.pack(
        b"PMTiles", 3, start, len(directory), meta_at, len(metadata), data_at, 0, data_at,
        len(data), len(ids), len(ids), len(ids), 1, _NO_COMPRESSION, _NO_COMPRESSION, _MVT,
        zoom, zoom, west, south, east, north, zoom, (west + east) // 2, (south + north) // 2,
    )  # fmt: skip
    assert start == 127
    return header + directory + metadata + data


def _place(lon: float, lat: float, zoom: int) -> tuple[float, float]:
    """In tiles of Web Mercator."""
    y = math.asinh(math.tan(math.radians(lat)))
    return (lon + 180) / 360 * 2**zoom, (1 - y / math.pi) / 2 * 2**zoom


def _tile_id(zoom: int, x: int, y: int) -> int:
    """The number of a tile along the Hilbert curve of its zoom, after all smaller zooms."""
    found: int = (4**zoom - 1) // 3
    side: int = 2**zoom // 2
    while side:
        right, low = int(x & side > 0), int(y & side > 0)
        found += side * side * ((3 * right) ^ low)
        if not low:
            if right:
                x, y = side - 1 - x, side - 1 - y
            x, y = y, x
        side //= 2
    return found


# -- One vector tile ----------------------------------------------------------------------------


def _tile(x: float, y: float) -> bytes:
    """Land, a lake to the north and a road through a place at (x, y) of the tile."""
    whole = [(-64, -64), (_EXTENT + 64, -64), (_EXTENT + 64, _EXTENT + 64), (-64, _EXTENT + 64)]
    lake = [(x - 900, y - 1400), (x + 900, y - 1400), (x + 700, y - 500), (x - 700, y - 500)]
    road = [(x - 3000, y + 300), (x, y + 150), (x + 3000, y + 500)]
    return b"".join(
        (
            _layer("earth", "earth", 3, whole),
            _layer("water", "lake", 3, lake),
            _layer("roads", "major_road", 2, road),
        )
    )


def _layer(name: str, kind: str, shape: int, ring: Ring) -> bytes:
    """A layer with one feature whose `kind` is said; `shape` 2 is a line, 3 an area."""
    feature = _bytes(2, _varints([0, 0])) + _number(3, shape) + _bytes(4, _geometry(shape, ring))
    value = _bytes(1, kind.encode())
    body = (
        _bytes(1, name.encode()) + _bytes(2, feature) + _bytes(3, b"kind") + _bytes(4, value)
        + _number(5, _EXTENT) + _number(15, 2)
    )  # fmt: skip
    return _bytes(3, body)


def _geometry(shape: int, ring: Ring) -> bytes:
    commands: list[int] = []
    at = (0, 0)
    for n, point in enumerate(ring):
        here = (round(point[0]), round(point[1]))
        if n == 0:
            commands.append(1 | 1 << 3)
        elif n == 1:
            commands.append(2 | (len(ring) - 1) << 3)
        commands += (_zigzag(here[0] - at[0]), _zigzag(here[1] - at[1]))
        at = here
    if shape == 3:
        commands.append(7 | 1 << 3)
    return _varints(commands)


def _zigzag(value: int) -> int:
    return value << 1 if value >= 0 else (-value << 1) - 1


def _number(field: int, value: int) -> bytes:
    return _varints([field << 3, value])


def _bytes(field: int, value: bytes) -> bytes:
    return _varints([field << 3 | 2, len(value)]) + value


def _varints(values: Iterable[int]) -> bytes:
    out = bytearray()
    for value in values:
        rest = value
        while rest > 0x7F:
            out.append(rest & 0x7F | 0x80)
            rest >>= 7
        out.append(rest)
    return bytes(out)
