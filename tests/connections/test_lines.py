from __future__ import annotations

import pytest

from getpatter.connections.lines import MAX_LINE, Lines


@pytest.mark.parametrize("size", [1, 3, 100])
def test_lines_are_complete_however_they_are_cut(size: int) -> None:
    body = b"one\n\r\n two \r\nthree"
    lines = Lines()
    assert [line for at in range(0, len(body), size) for line in lines.feed(body[at : at + size])] == [b"one", b"two"]
    assert lines.rest() == [b"three"]
    assert lines.rest() == []


def test_a_line_has_a_limit() -> None:
    lines = Lines()
    assert lines.feed(b" " * MAX_LINE) == []
    with pytest.raises(ValueError, match="a line of more than"):
        lines.feed(b" ")
