from __future__ import annotations

import pytest

from getpatter.calls.stream_pass import StreamPass


def test_it_is_good_once() -> None:
    door = StreamPass()
    door.good_for("CA1")
    token = door.parameters["token"]
    assert door.redeem(token, "CA1")
    assert door.parameters == {}
    assert not door.redeem(token, "CA1")


@pytest.mark.parametrize("token", ["", "guessed", "é"])
def test_a_wrong_token_leaves_it_good(token: str) -> None:
    door = StreamPass()
    assert not door.redeem(token, "CA1")
    assert door.redeem(door.parameters["token"], "CA1")


def test_it_is_good_for_its_own_call_only() -> None:
    door = StreamPass()
    door.good_for("CA1")
    assert not door.redeem(door.parameters["token"], "CA2")
    assert door.redeem(door.parameters["token"], "CA1")


@pytest.mark.parametrize("name", ["request", "call"])
def test_a_renamed_call_may_be_called_by_either_name(name: str) -> None:
    door = StreamPass()
    door.good_for("request")
    door.good_for("call")
    assert door.redeem(door.parameters["token"], name)


def test_a_stream_may_come_before_the_calls_name() -> None:
    door = StreamPass()
    assert door.redeem(door.parameters["token"], "CA1")


def test_after_the_call_it_is_worth_nothing() -> None:
    door = StreamPass()
    token = door.parameters["token"]
    door.revoke()
    assert not door.redeem(token, "CA1")
    assert door.parameters == {}


def test_no_two_are_alike() -> None:
    assert StreamPass().parameters != StreamPass().parameters
