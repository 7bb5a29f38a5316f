"""ONNX files that give scripted boxes, written without the package onnx, which boxes lack.

An ONNX file is one protobuf message; the few fields that a constant needs are written here by hand
(onnx.proto3 of ONNX 1.16).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

FLOAT, UINT8, FLOAT16 = 1, 2, 10
_KINDS = {"float32": FLOAT, "uint8": UINT8, "float16": FLOAT16}
_INT_ATTRIBUTE = 2


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _number(key: int, value: int) -> bytes:
    return _varint(key << 3) + _varint(value)


def _message(key: int, *parts: bytes | str) -> bytes:
    content = b"".join(part.encode() if isinstance(part, str) else part for part in parts)
    return _varint(key << 3 | 2) + _varint(len(content)) + content


def _value(key: int, name: str, kind: int, shape: Sequence[int | str]) -> bytes:
    sizes = [
        _message(1, _number(1, size) if isinstance(size, int) else _message(2, size))
        for size in shape
    ]
    tensor = _number(1, kind) + _message(2, *sizes)
    return _message(key, _message(1, name), _message(2, _message(1, tensor)))


def _constant(name: str, values: npt.NDArray[np.float32]) -> bytes:
    dims = [_number(1, size) for size in values.shape]
    return _message(5, *dims, _number(2, FLOAT), _message(8, name), _message(9, values.tobytes()))


def _node(kind: str, inputs: Sequence[str], output: str, **numbers: int) -> bytes:
    attributes = [
        _message(5, _message(1, name), _number(3, value), _number(20, _INT_ATTRIBUTE))
        for name, value in numbers.items()
    ]
    names = [_message(1, name) for name in inputs]
    return _message(1, *names, _message(2, output), _message(4, kind), *attributes)


@dataclass(frozen=True, slots=True)
class ScriptedFile:
    """A network that gives the same boxes for every picture.

    Attributes:
        boxes: what it gives, float32; any shape.
        input_shape: of its pictures; text is a size that is left open.
        facts: its metadata.
        input_kind: dtype of its pictures.
        output_kind: dtype of its boxes.
        output_shape: as the graph states it; that of `boxes` by default.
        names: of input and output.
    """

    boxes: npt.NDArray[np.float32]
    input_shape: Sequence[int | str] = (1, 3, 640, 640)
    facts: Mapping[str, str] = field(default_factory=lambda: {"names": "{0: 'car'}"})
    input_kind: str = "float32"
    output_kind: str = "float32"
    output_shape: Sequence[int | str] = ()
    names: tuple[str, str] = ("images", "output0")

    def write(self, path: Path) -> Path:
        """Write it."""
        source, target = self.names
        output = _KINDS[self.output_kind]
        nodes = [
            _node("Cast", [source], "picture", to=FLOAT),
            _node("ReduceMean", ["picture"], "mean", keepdims=0),
            _node("Mul", ["mean", "zero"], "nothing"),
            _node("Add", ["boxes", "nothing"], "sum"),
            _node("Cast", ["sum"], target, to=output),
        ]
        graph = _message(
            7,
            *nodes,
            _message(2, "scripted"),
            _constant("boxes", self.boxes.astype(np.float32)),
            _constant("zero", np.zeros((), np.float32)),
            _value(11, source, _KINDS[self.input_kind], self.input_shape),
            _value(12, target, output, self.output_shape or self.boxes.shape),
        )
        facts = [
            _message(14, _message(1, key), _message(2, text)) for key, text in self.facts.items()
        ]
        path.write_bytes(_number(1, 8) + graph + _message(8, _number(2, 13)) + b"".join(facts))
        return path
