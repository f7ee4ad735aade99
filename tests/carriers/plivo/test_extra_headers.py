from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getpatter.carriers.plivo import extra_headers
from getpatter.errors import CarrierError

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)


@given(parameters=st.dictionaries(TEXT, TEXT, max_size=2))
def test_what_is_written_is_read(parameters: dict[str, str]) -> None:
    assert extra_headers.read(extra_headers.written(parameters)) == parameters


@given(parameters=st.dictionaries(TEXT, TEXT, min_size=1, max_size=2))
def test_only_letters_and_digits_are_sent(parameters: dict[str, str]) -> None:
    assert re.fullmatch("[a-zA-Z]+=[a-zA-Z0-9]+", extra_headers.written(parameters))


def test_more_than_plivo_takes_is_refused() -> None:
    with pytest.raises(CarrierError, match="Plivo takes 512"):
        extra_headers.written({"token": "x" * 512})


@pytest.mark.parametrize(
    "spelling",
    [
        "token=abc-d;call=7",
        "token=abc-d,call=7",
        "{token=abc-d, call=7}",
        "X-PH-token=abc-d;X-PH-call=7",
        "x-ph-token: abc-d, x-ph-call: 7".replace(": ", "="),
        '{"token": "abc-d", "call": "7"}',
        '{"X-PH-token": "abc-d", "X-PH-call": "7"}',
        {"token": "abc-d", "call": "7"},
        {"X-Ph-token": "abc-d", "X-PH-call": "7"},
    ],
)
def test_each_spelling_that_is_seen_is_understood(spelling: Any) -> None:
    assert extra_headers.read(spelling) == {"token": "abc-d", "call": "7"}


@pytest.mark.parametrize("change", [str, str.upper, "X-PH-{}".format, "{};other=1".format, '{{"{}"}}'.format])
def test_ours_comes_back_through_all_of_them(change: Any) -> None:
    written = extra_headers.written({"token": "a_B-9"})
    if change("x").startswith("{"):
        written, change = json.dumps(dict([written.split("=")])), str
    assert extra_headers.read(change(written))["token"] == "a_B-9"


@pytest.mark.parametrize("nothing", ["", "{}", "null", None, 7, [], ["token"], {}, "patter=zz", "patter=00", "=,;="])
def test_what_says_nothing_has_no_parameters(nothing: Any) -> None:
    assert extra_headers.read(nothing) == {}


@given(noise=st.recursive(st.none() | st.integers() | st.text(max_size=50), lambda inner: st.lists(inner, max_size=3)))
def test_noise_is_no_error(noise: Any) -> None:
    assert all(isinstance(value, str) for value in extra_headers.read(noise).values())
