"""The weights in an ONNX file, without a library for the format: of its protocol buffers only what holds tensors.

Field numbers are those of `onnx.proto3` (ONNX 1.17) and the wire format that of protocol buffers.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Final

import numpy as np
from numpy.typing import NDArray

_MODEL_GRAPH: Final = 7
_GRAPH_NODE: Final = 1
_NODE_OUTPUT, _NODE_ATTRIBUTE = 2, 5
_ATTRIBUTE_TENSOR, _ATTRIBUTE_GRAPH = 5, 6
_TENSOR_DIMS, _TENSOR_TYPE, _TENSOR_RAW = 1, 2, 9
_FLOAT: Final = 1
"""`TensorProto.DataType.FLOAT`."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

_Field = tuple[int, int | bytes]


def float_constants(model: bytes) -> dict[str, NDArray[np.float32]]:
    """Every float32 constant of a model, by the name of the node output that it is, those of nested graphs included.

    Raises `ValueError` for what is not an ONNX file.
    """
    found: dict[str, NDArray[np.float32]] = {}
    for number, graph in _fields(model):
        if number == _MODEL_GRAPH:
            _collect(_bytes(graph), found)
    return found


def _collect(graph: bytes, found: dict[str, NDArray[np.float32]]) -> None:
    for number, node in _fields(graph):
        if number != _GRAPH_NODE:
            continue
        output = ""
        for part, value in _fields(_bytes(node)):
            if part == _NODE_OUTPUT:
                output = output or _bytes(value).decode()
            elif part == _NODE_ATTRIBUTE:
                for kind, content in _fields(_bytes(value)):
                    if kind == _ATTRIBUTE_GRAPH:
                        _collect(_bytes(content), found)
                    elif kind == _ATTRIBUTE_TENSOR and (tensor := _float_tensor(_bytes(content))) is not None:
                        found[output] = tensor


def _float_tensor(tensor: bytes) -> NDArray[np.float32] | None:
    """None for a tensor of another type, and for one that is not written as raw bytes."""
    shape: list[int] = []
    kind, raw = 0, b""
    for number, value in _fields(tensor):
        if number == _TENSOR_DIMS:
            shape.extend([value] if isinstance(value, int) else _varints(value))
        elif number == _TENSOR_TYPE and isinstance(value, int):
            kind = value
        elif number == _TENSOR_RAW:
            raw = _bytes(value)
    if kind != _FLOAT or len(raw) != 4 * prod(shape):
        return None
    return np.frombuffer(raw, "<f4").astype(np.float32).reshape(shape)


def _fields(message: bytes) -> Iterator[_Field]:
    """Number and value of each field: an int for a varint, bytes for everything else."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        if wire == _BYTES:
            size, at = _varint(message, at)
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
        else:
            raise ValueError(f"not an ONNX file: a field is of wire type {wire}")
        if at + size > len(message):
            raise ValueError("not an ONNX file: a field is longer than what holds it")
        yield number, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """The number at `at`, and where the next byte is."""
    number = shift = 0
    while True:
        if at >= len(message):
            raise ValueError("not an ONNX file: it ends within a number")
        byte = message[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7


def _varints(packed: bytes) -> Iterator[int]:
    at = 0
    while at < len(packed):
        number, at = _varint(packed, at)
        yield number


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ValueError("not an ONNX file: a message is written as a number")
    return value
