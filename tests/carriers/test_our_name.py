"""A call is known by our own name from its webhooks' URLs, where the answer to its dial was lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getpatter.carriers.base import CallRenamed
from getpatter.carriers.our_name import renamed, with_name

URL = "https://patter.example/webhooks/acme/status"


def test_the_name_comes_back() -> None:
    assert renamed(with_name(URL, "call_1"), "CA1") == (CallRenamed("call_1", "CA1"),)


def test_it_stands_among_other_parameters() -> None:
    assert renamed(f"{URL}?recall=2&call=call_1&x=%20#call=call_2", "CA1") == (CallRenamed("call_1", "CA1"),)


@pytest.mark.parametrize(
    "url",
    [
        URL,
        f"{URL}?call=",
        f"{URL}?recall=call_1",
        f"{URL}#?call=call_1",
        f"{URL}?call=a%20b",
        f"{URL}?call={'x' * 65}",
        f"{URL}?call=call_1{'&x=1' * 200}",
    ],
)
def test_what_is_no_name_of_ours_says_nothing(url: str) -> None:
    assert renamed(url, "CA1") == ()


@given(st.text(st.characters(), max_size=60))
def test_any_query_says_something_or_nothing(query: str) -> None:
    assert len(renamed(f"{URL}?call={query}", "CA1")) <= 1
