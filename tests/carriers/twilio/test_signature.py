"""Twilio's own library signs; whatever differs in a byte is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from urllib.parse import quote, urlencode

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from twilio.request_validator import HMAC_SHA256, RequestValidator

from getpatter.carriers.base import WebhookRequest
from getpatter.carriers.twilio.signature import Signer, spellings, stream_spellings
from getpatter.errors import InvalidSignature

TOKEN = "12345"
URL = "https://patter.example/webhooks/twilio/voice"
STREAM = "wss://patter.example/ws/twilio/stream/call_1"
FORM = [("CallSid", "CA1"), ("To", "+18005551212"), ("Note", "ü & = +")]
FORM_TYPE = "application/x-www-form-urlencoded"

Form = Sequence[tuple[str, str]]


class Many(dict[str, list[str]]):
    """Fields as web frameworks give them to the library."""

    def getall(self, name: str) -> list[str]:
        return self[name]


def signed(url: str, form: Form = (), token: str = TOKEN, algorithm: str | None = None) -> str:
    many = Many()
    for name, value in form:
        many.setdefault(name, []).append(value)
    return str(RequestValidator(token).compute_signature(url, many, algorithm))


def post(signature: str | None, url: str = URL, form: Form = FORM, settings: str = "") -> WebhookRequest:
    headers = {"content-type": FORM_TYPE}
    if signature is not None:
        headers["x-twilio-signature"] = signature
    if settings:
        headers["x-twilio-webhooks-signature-settings"] = settings
    return WebhookRequest("POST", url, headers, urlencode(form).encode())


def get(signature: str, url: str, body: bytes = b"") -> WebhookRequest:
    return WebhookRequest("GET", url, {"x-twilio-signature": signature}, body)


def refused(request: WebhookRequest, signer: Signer | None = None) -> bool:
    try:
        (signer or Signer(TOKEN)).check(request)
    except InvalidSignature:
        return True
    return False


def stream_refused(request: WebhookRequest) -> bool:
    try:
        Signer(TOKEN).check_stream(request)
    except InvalidSignature:
        return True
    return False


def test_the_published_example_is_accepted() -> None:
    form = [
        ("Digits", "1234"),
        ("To", "+18005551212"),
        ("From", "+12349013030"),
        ("Caller", "+12349013030"),
        ("CallSid", "CA1234567890ABCDE"),
    ]
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert not refused(post("0/KCTR6DLpKmkAf8muzZqo1nDgQ=", url, form))


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=8)
anything = st.text(st.characters(), max_size=40)


@given(form=st.lists(st.tuples(texts, texts), max_size=6))
def test_what_twilio_signs_is_accepted(form: Form) -> None:
    assert not refused(post(signed(URL, form), form=form))


@given(form=st.lists(st.tuples(texts, texts), min_size=1, max_size=4), data=st.data())
def test_a_changed_field_is_refused(form: Form, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(form) - 1))
    changed = [*form[:at], (form[at][0], form[at][1] + "x"), *form[at + 1 :]]
    # The signed text has no separators and knows each value of a name once: some changes leave it as it is.
    assume(signed(URL, form) != signed(URL, changed))
    assert refused(post(signed(URL, form), form=changed))


@given(at=st.integers(0, 27), to=st.characters(min_codepoint=33, max_codepoint=255))
def test_a_changed_byte_of_the_signature_is_refused(at: int, to: str) -> None:
    signature = signed(URL, FORM)
    assume(signature[at] != to)
    assert refused(post(signature[:at] + to + signature[at + 1 :]))


@pytest.mark.parametrize("signature", ["", "x", "ÿ", signed(URL, FORM)[:-1], signed(URL, FORM) + "="])
def test_what_is_no_signature_is_refused(signature: str) -> None:
    assert refused(post(signature))


def test_a_request_without_a_signature_is_refused_in_words() -> None:
    with pytest.raises(InvalidSignature, match="has no X-Twilio-Signature header") as error:
        Signer(TOKEN).check(post(None))
    assert "PATTER_PUBLIC_URL" in (error.value.next_step or "")


@pytest.mark.parametrize(
    "other",
    [
        "https://patter.example.evil.example/webhooks/twilio/voice",
        "https://other.example/webhooks/twilio/voice",
        "http://patter.example/webhooks/twilio/voice",
        "https://patter.example/webhooks/twilio/status",
        "https://patter.example/webhooks/twilio/voice?a=1",
        "https://patter.example/webhooks/twilio/voice/",
    ],
)
def test_what_was_signed_for_another_address_is_refused(other: str) -> None:
    assert refused(post(signed(other, FORM)))


def test_another_accounts_requests_are_refused() -> None:
    assert refused(post(signed(URL, FORM, token="54321")))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("https://h/x?a=%20b", "https://h:443/x?a=%20b"),
        ("https://h:443/x", "https://h/x"),
        ("http://h/x", "http://h:80/x"),
        ("https://h:8443/x", "https://h/x"),
        ("https://[::1]/x", "https://[::1]:443/x"),
        ("https://[::1]:8443/x", "https://[::1]/x"),
        ("https://me:pw@h/x", "https://me:pw@h:443/x"),
    ],
)
def test_a_port_may_be_told_or_not(ours: str, theirs: str) -> None:
    assert not refused(post(signed(theirs, FORM), url=ours))


def test_only_ports_are_spelled_in_two_ways() -> None:
    assert spellings("https://h/a:1@b?c=d:2") == ["https://h/a:1@b?c=d:2", "https://h:443/a:1@b?c=d:2"]
    assert spellings("https://h:8443") == ["https://h", "https://h:8443"]
    assert spellings("what is this") == ["what is this"]


def test_a_get_is_signed_by_its_query() -> None:
    url = f"{URL}?CallSid=CA1&To=%2B1"
    assert not refused(get(signed(url), url))
    assert refused(get(signed(url), url.replace("CA1", "CA2")))


def test_a_get_has_no_body() -> None:
    assert refused(get(signed(URL), URL, b"CallSid=CA1"))


# -- bodies that are no forms


def hashed(body: bytes) -> WebhookRequest:
    """A JSON request as Twilio signs it: its hash is in the URL."""
    url = f"{URL}?bodySHA256={hashlib.sha256(b'{}').hexdigest()}"
    headers = {"x-twilio-signature": signed(url), "content-type": "application/json"}
    return WebhookRequest("POST", url, headers, body)


def test_a_body_is_held_to_its_hash() -> None:
    assert not refused(hashed(b"{}"))
    assert refused(hashed(b"{ }"))


@pytest.mark.parametrize("body", [b"\xff\xfe", b"a=%ff", b"&".join([b"a=1"] * 1001), b'{"CallSid": "CA1"}'])
def test_a_body_that_is_no_form_and_has_no_hash_is_refused(body: bytes) -> None:
    assert refused(WebhookRequest("POST", URL, {"x-twilio-signature": signed(URL)}, body))


@given(expected=anything, signature=anything)
def test_a_hash_may_be_anything_and_is_refused_unless_it_is_the_bodys(expected: str, signature: str) -> None:
    """The query as it came, with bytes that are no ASCII, and as it is written."""
    headers = {"x-twilio-signature": signature}
    for written in (expected, quote(expected, errors="surrogatepass")):
        assert refused(WebhookRequest("POST", f"{URL}?bodySHA256={written}", headers, b"{}"))


@given(signature=anything, settings=anything, query=anything)
def test_noise_is_refused_and_nothing_else(signature: str, settings: str, query: str) -> None:
    url = f"{URL}?{query}"
    assert refused(post(signature, url, settings=settings))
    assert refused(get(signature, url))
    assert stream_refused(get(signature, f"{STREAM}?{query}"))


def test_a_url_that_is_no_text_is_refused() -> None:
    assert refused(post("x", url="https://h/\ud800"))


# -- signatures by a SharedKey


SHARED = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"


def test_a_shared_key_signs_too() -> None:
    by_key = post(signed(URL, FORM, "shared", HMAC_SHA256), settings=SHARED)
    assert not refused(by_key, Signer(TOKEN, "shared"))
    assert refused(by_key, Signer(TOKEN, "another"))
    assert refused(by_key)


def test_an_account_with_a_shared_key_still_takes_its_tokens_signature() -> None:
    assert not refused(post(signed(URL, FORM)), Signer(TOKEN, "shared"))


def test_an_unknown_algorithm_is_refused_in_words() -> None:
    request = post(signed(URL, FORM), settings="key=k,algorithm=ROT13")
    with pytest.raises(InvalidSignature, match="an algorithm that is not known here"):
        Signer(TOKEN).check(request)


# -- media streams


@pytest.mark.parametrize(
    "theirs",
    [
        STREAM,
        f"{STREAM}/",
        STREAM.replace("patter.example", "patter.example:443"),
        STREAM.replace("wss", "https"),
        STREAM.replace("wss", "https").replace("patter.example", "patter.example:443") + "/",
    ],
)
@pytest.mark.parametrize("ours", [STREAM, STREAM.replace("wss", "https")])
def test_a_streams_opening_is_signed_under_several_spellings(ours: str, theirs: str) -> None:
    assert not stream_refused(get(signed(theirs), ours))


@given(at=st.integers(0, len(STREAM) - 1))
def test_a_stream_that_was_signed_for_another_address_is_refused(at: int) -> None:
    other = STREAM[:at] + ("y" if STREAM[at] == "x" else "x") + STREAM[at + 1 :]
    assert stream_refused(get(signed(other), STREAM))


def test_a_stream_needs_a_signature() -> None:
    assert stream_refused(WebhookRequest("GET", STREAM, {}, b""))


def test_a_streams_address_may_be_anything() -> None:
    assert stream_spellings("nonsense") == ["nonsense"]
    assert stream_refused(get("x", "nonsense"))
