from __future__ import annotations

import pytest

from getpatter.server.masking import masked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("From is '+12025550142', which is no number.", "From is '+…42', which is no number."),
        ("HTTP 404 for call 12345", "HTTP 404 for call 12345"),
        ("a\r\nWARNING forged", "a??WARNING forged"),
        ("line\u2028separator", "line?separator"),
    ],
)
def test_numbers_and_line_ends_do_not_reach_the_log(text: str, shown: str) -> None:
    assert masked(text) == shown
