from __future__ import annotations

import pytest

from getpatter.errors import InvalidRequest
from patter_mcp.numbers import e164


@pytest.mark.parametrize(
    "written", ["+12025550100", "+1 202 555 0100", "+1 (202) 555-0100", "+1.202.555.0100", " +1\u00a02025550100"]
)
def test_separators_are_forgiven(written: str) -> None:
    assert e164(written) == "+12025550100"


@pytest.mark.parametrize(
    "written",
    [
        "",
        "911",
        "2025550100",
        "0012025550100",
        "+0202555010",
        "+1202",
        "+1234567890123456",
        "+1202555O100",
        "call me",
        "+١٢٠٢٥٥٥٠١٠٠",
    ],
)
def test_anything_else_is_refused_with_what_to_do(written: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        e164(written)
    assert "+12025550100" in (refused.value.next_step or "")


def test_a_refusal_quotes_no_more_than_a_number_can_be() -> None:
    with pytest.raises(InvalidRequest) as refused:
        e164("x" * 10_000)
    assert len(refused.value.message) < 120
