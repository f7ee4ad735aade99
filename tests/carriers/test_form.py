from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getpatter.carriers.base import WebhookRequest
from getpatter.carriers.form import MAX_FIELDS, fields, posted
from getpatter.errors import CarrierError

URL = "https://patter.example/webhooks/acme/status"
TEXT = st.text(st.characters(codec="utf-8"), max_size=12)


@given(st.lists(st.tuples(TEXT.filter(bool), TEXT)))
def test_all_fields_come_in_their_order_empty_ones_too(sent: list[tuple[str, str]]) -> None:
    written = urlencode(sent)
    assert fields(WebhookRequest("POST", f"{URL}?a=b", {}, written.encode())) == sent
    assert fields(WebhookRequest("GET", f"{URL}?{written}#a=b", {}, b"a=b")) == sent


def test_what_is_posted_is_the_body_whatever_the_method() -> None:
    assert posted(WebhookRequest("GET", f"{URL}?a=b", {}, b"c=d")) == [("c", "d")]


@pytest.mark.parametrize("body", [b"\xff", b"a=%ff", b"&".join([b"a=1"] * (MAX_FIELDS + 1))])
def test_what_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(CarrierError, match="no form"):
        fields(WebhookRequest("POST", URL, {}, body))


@given(
    method=st.sampled_from(["GET", "POST"]), query=st.text(st.characters(), max_size=60), body=st.binary(max_size=60)
)
def test_noise_is_an_error_of_the_carriers_and_nothing_else(method: str, query: str, body: bytes) -> None:
    with suppress(CarrierError):
        fields(WebhookRequest(method, f"{URL}?{query}", {}, body))
