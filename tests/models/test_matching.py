"""Which entry of a list a model's name leads to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getpatter.models.matching import longest_prefix

NAMES = [
    "gpt-4o",
    "gpt-4o-mini",
    "gpt-4.1",
    "claude-opus-4",
    "claude-opus-4-1",
    "aura",
    "aura-2",
    "stt-rt",
    "qwen-3-235b",
]

words = st.text("abcdefghij", min_size=4, max_size=8)
names = st.lists(words, min_size=1, max_size=4).map("-".join)


@pytest.mark.parametrize(
    ("name", "listed"),
    [
        ("gpt-4o", "gpt-4o"),
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("claude-opus-4-20250514", "claude-opus-4"),
        ("claude-opus-4-1-20250805", "claude-opus-4-1"),
        ("aura-2-thalia-en", "aura-2"),
        ("aura-asteria-en", "aura"),
        ("stt-rt-v4", "stt-rt"),
        ("qwen-3-235b-a22b-instruct-2507", "qwen-3-235b"),
    ],
)
def test_a_date_or_a_revision_makes_no_other_model(name: str, listed: str) -> None:
    assert longest_prefix(name, NAMES) == listed


@pytest.mark.parametrize(
    "name", ["gpt-4o-audio-preview", "gpt-4.1-nano", "gpt-4o2", "gpt-4", "claude-opus-4-9", "aura-3-x", "aura-2.1", ""]
)
def test_another_version_or_variant_is_no_revision(name: str) -> None:
    assert longest_prefix(name, NAMES) is None


def test_an_empty_name_in_the_list_fits_nothing_else() -> None:
    assert longest_prefix("x", [""]) is None


@given(names, st.lists(names, max_size=6))
def test_what_is_listed_is_found_exactly(name: str, others: list[str]) -> None:
    assert longest_prefix(name, [*others, name]) == name


@given(names, st.lists(names, max_size=8))
def test_no_longer_name_would_have_fitted(name: str, listed: list[str]) -> None:
    found = longest_prefix(name, listed)
    fitting = [other for other in listed if name == other or name.startswith(f"{other}-")]
    assert found == max(fitting, key=len, default=None)


@given(names, st.lists(names, max_size=8))
def test_the_order_of_the_list_means_nothing(name: str, listed: list[str]) -> None:
    assert longest_prefix(name, listed) == longest_prefix(name, sorted(listed, reverse=True))
