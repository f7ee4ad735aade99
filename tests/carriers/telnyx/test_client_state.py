from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getpatter.carriers.telnyx import client_state
from getpatter.carriers.telnyx.client_state import MAX_CHARACTERS

TEXT = st.text(st.characters(codec="utf-8"), max_size=40)


@given(fields=st.dictionaries(TEXT, TEXT, max_size=5))
def test_what_goes_along_comes_back(fields: dict[str, str]) -> None:
    assert client_state.decode(client_state.encode(fields)) == fields


@pytest.mark.parametrize(
    "state",
    [
        None,
        "",
        "not base64!",
        "ü",
        b64encode(b"have a nice day =]").decode(),
        b64encode(b'{"call":7}').decode(),
        b64encode(b'["a"]').decode(),
        b64encode(b"[" * 5000).decode(),
        client_state.encode({"x": "y" * MAX_CHARACTERS}),
    ],
)
def test_the_state_of_somebody_elses_call_says_nothing(state: str | None) -> None:
    assert client_state.decode(state) == {}


@given(state=st.text(max_size=100))
def test_noise_says_nothing(state: str) -> None:
    client_state.decode(state)
