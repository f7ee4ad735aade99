from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getpatter.llm.calls import arguments_of, arguments_text, call_id, call_name


@given(st.text())
def test_every_id_and_name_is_one_that_all_vendors_take(given: str) -> None:
    assert re.fullmatch(r"[a-zA-Z0-9_-]{0,40}", call_id(given))
    assert re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_-]{0,63}", call_name(given))


@pytest.mark.parametrize("one", ["call_1", "toolu_01A", "a-b", "look_up", "_x"])
def test_what_is_fit_stays_as_it_is(one: str) -> None:
    assert call_id(one) == one
    assert call_name(one) == one


def test_long_ids_stay_apart() -> None:
    one, other = call_id("x" * 900 + "1"), call_id("x" * 900 + "2")
    assert one != other
    assert one == call_id("x" * 900 + "1")


@pytest.mark.parametrize(
    ("given", "name"),
    [("functions.look_up", "functions_look_up"), ("look up!", "look_up_"), ("1st", "_1st"), ("", "_")],
)
def test_a_name_that_a_model_made_up_is_made_fit(given: str, name: str) -> None:
    assert call_name(given) == name


@pytest.mark.parametrize("text", ["", "not JSON", '{"day": "Mon', "[1]", "null", "5", "[" * 100_000])
def test_arguments_that_are_no_object_are_none(text: str) -> None:
    assert arguments_of(text) == {}
    assert arguments_text(text) == "{}"


def test_arguments_stay_as_the_model_wrote_them() -> None:
    written = '{"day" :  "Mondaÿ"}'
    assert arguments_text(written) == written
    assert arguments_of(written) == json.loads(written)
