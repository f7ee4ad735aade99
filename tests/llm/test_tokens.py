from __future__ import annotations

import pytest

from getpatter.llm.tokens import count, used_tokens
from getpatter.metering import MAX_COUNT, Product, Used

MODEL = Product("acme", "m")


@pytest.mark.parametrize(("told", "counted"), [(0, 0), (7, 7), (7.0, 7), (MAX_COUNT, MAX_COUNT)])
def test_a_count_is_a_whole_number(told: object, counted: int) -> None:
    assert count({"tokens": told}, "tokens") == counted


@pytest.mark.parametrize("told", [-1, 7.5, float("inf"), float("nan"), "7", True, None, [], {}, MAX_COUNT + 1, 10**30])
def test_what_cannot_be_a_count_is_none(told: object) -> None:
    assert count({"tokens": told}, "tokens") is None


@pytest.mark.parametrize("usage", [None, [], "x", 5, {}, {"details": None}, {"details": []}, {"details": {}}])
def test_a_count_that_is_not_where_it_should_be_is_none(usage: object) -> None:
    assert count(usage, "details", "cached") is None


def test_nothing_is_told_where_neither_side_is_counted() -> None:
    assert used_tokens(MODEL, "m", None, None, cached=5) == []


def test_one_side_is_enough() -> None:
    assert used_tokens(MODEL, "m", None, 7) == [Used(MODEL, output_tokens=7)]


def test_no_more_is_cached_than_was_read() -> None:
    (used,) = used_tokens(MODEL, "m", 10, 1, cached=8, cache_write=8)
    assert (used.cached_tokens, used.cache_write_tokens) == (8, 2)
    (used,) = used_tokens(MODEL, "m", 10, 1, cached=20, cache_write=20)
    assert (used.cached_tokens, used.cache_write_tokens) == (10, 0)


@pytest.mark.parametrize("served", [None, 5, "", "other"])
def test_a_name_that_is_no_more_exact_one_is_left_alone(served: object) -> None:
    assert used_tokens(MODEL, served, 1, 1)[0].product == MODEL
