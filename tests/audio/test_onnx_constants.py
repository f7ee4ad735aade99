from __future__ import annotations

import numpy as np
import pytest

from getpatter.audio.onnx_constants import float_constants
from getpatter.audio.vad import MODEL


def varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def field(number: int, content: bytes | int) -> bytes:
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def constant(name: str, tensor: bytes) -> bytes:
    attribute = field(1, b"value") + field(5, tensor) + field(20, 4)
    return field(1, field(2, name.encode()) + field(4, b"Constant") + field(5, attribute))


def tensor(values: list[float], dims: bytes, kind: int = 1) -> bytes:
    return dims + field(2, kind) + field(9, np.array(values, "<f4").tobytes())


def test_constants_are_found_by_the_name_of_their_output() -> None:
    graph = constant("a", tensor([1, 2, 3, 4, 5, 6], field(1, 2) + field(1, 3))) + constant("b", tensor([7], b""))
    found = float_constants(field(1, 8) + field(7, graph))
    assert found["a"].tolist() == [[1, 2, 3], [4, 5, 6]]
    assert found["b"].tolist() == 7


def test_dimensions_may_be_packed() -> None:
    found = float_constants(field(7, constant("a", tensor([1.0] * 300, field(1, varint(300) + varint(1))))))
    assert found["a"].shape == (300, 1)


def test_those_of_nested_graphs_are_found() -> None:
    inner = constant("inner", tensor([1.5], field(1, 1)))
    node = field(1, field(2, b"out") + field(4, b"If") + field(5, field(1, b"else_branch") + field(6, inner)))
    assert float_constants(field(7, node))["inner"].tolist() == [1.5]


def test_tensors_of_other_types_are_left_out() -> None:
    assert float_constants(field(7, constant("a", tensor([1.0], field(1, 1), kind=7)))) == {}


@pytest.mark.parametrize("broken", [b"\x3a\x7f", b"\x3a", b"\x80", b"\x3b", field(7, 5)])
def test_what_is_no_onnx_file_is_refused(broken: bytes) -> None:
    with pytest.raises(ValueError, match="not an ONNX file"):
        float_constants(broken)


def test_the_shipped_model_has_its_weights() -> None:
    found = float_constants(MODEL.read())
    assert found["If_0_else_branch__Inline_0__decoder.rnn.weight_hh"].shape == (512, 128)
