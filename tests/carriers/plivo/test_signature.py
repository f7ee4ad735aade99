from __future__ import annotations

import string
from urllib.parse import quote, urlencode

from hypothesis import example, given
from hypothesis import strategies as st
from plivo.utils.signature_v3 import construct_get_url, construct_post_url, get_signature_v3, validate_v3_signature

from getpatter.carriers.plivo.signature import is_signed, signature

TOKEN = "plivo-auth-token"
URL = "https://voice.example.com/webhooks/plivo/status"

TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
ANYTHING = st.text(st.characters(), max_size=40)
PRINTABLE = st.text(string.printable, max_size=12)
FIELDS = st.dictionaries(TEXT, TEXT, max_size=6)
QUERY = st.lists(st.tuples(PRINTABLE, PRINTABLE), max_size=4)
PATH = st.text(string.ascii_letters + string.digits + "/-_.~", max_size=20)
NONCE = st.text(string.ascii_letters + string.digits, min_size=1, max_size=30)


def signed(right: str, nonce: str = "n1") -> dict[str, str]:
    return {"x-plivo-signature-v3": right, "x-plivo-signature-v3-nonce": nonce}


def url_of(path: str, query: list[tuple[str, str]]) -> str:
    asked = f"?{urlencode(query)}" if query else ""
    return f"https://voice.example.com/{quote(path)}{asked}"


@given(path=PATH, query=QUERY, fields=FIELDS, nonce=NONCE)
def test_a_post_is_signed_as_plivos_own_library_signs_it(
    path: str, query: list[tuple[str, str]], fields: dict[str, str], nonce: str
) -> None:
    url = url_of(path, query)
    theirs = get_signature_v3(TOKEN, construct_post_url(url, dict(fields)).decode(), nonce).decode()
    assert signature(TOKEN, url, fields.items(), nonce) == theirs


@given(path=PATH, query=QUERY, nonce=NONCE)
def test_a_get_is_signed_as_plivos_own_library_signs_it(path: str, query: list[tuple[str, str]], nonce: str) -> None:
    url = url_of(path, query)
    theirs = get_signature_v3(TOKEN, construct_get_url(url, {}).decode(), nonce).decode()
    assert signature(TOKEN, url, (), nonce) == theirs


@given(names=st.lists(TEXT, min_size=2, max_size=2, unique=True), values=st.lists(TEXT, min_size=2, max_size=4))
def test_fields_that_come_several_times_are_signed_as_plivos_own_library_signs_them(
    names: list[str], values: list[str]
) -> None:
    fields = [(names[0], value) for value in values] + [(names[1], "1")]
    theirs = get_signature_v3(TOKEN, construct_post_url(URL, {names[0]: values, names[1]: "1"}).decode(), "n1").decode()
    assert signature(TOKEN, URL, fields, "n1") == theirs


@given(fields=FIELDS, nonce=NONCE)
def test_plivos_own_library_accepts_our_signature(fields: dict[str, str], nonce: str) -> None:
    ours = signature(TOKEN, URL, fields.items(), nonce)
    assert validate_v3_signature("POST", URL, nonce, TOKEN, ours, dict(fields))
    assert is_signed(signed(ours, nonce), TOKEN, URL, fields.items())


@given(fields=FIELDS, at=st.integers(0, 43))
def test_a_signature_with_one_letter_changed_is_wrong(fields: dict[str, str], at: int) -> None:
    right = signature(TOKEN, URL, fields.items(), "n1")
    wrong = right[:at] + ("A" if right[at] != "A" else "B") + right[at + 1 :]
    assert not is_signed(signed(wrong), TOKEN, URL, fields.items())


@given(fields=FIELDS, name=TEXT, value=TEXT.filter(bool))
def test_a_field_more_makes_the_signature_wrong(fields: dict[str, str], name: str, value: str) -> None:
    right = signature(TOKEN, URL, fields.items(), "n1")
    assert not is_signed(signed(right), TOKEN, URL, [*fields.items(), (name, value)])


def test_another_url_nonce_or_token_makes_the_signature_wrong() -> None:
    right = signature(TOKEN, URL, [("CallUUID", "1")], "n1")
    assert is_signed(signed(right), TOKEN, URL, [("CallUUID", "1")])
    assert not is_signed(signed(right), TOKEN, URL.replace("https", "http"), [("CallUUID", "1")])
    assert not is_signed(signed(right), TOKEN, URL.replace("voice.", "evil."), [("CallUUID", "1")])
    assert not is_signed(signed(right, "n2"), TOKEN, URL, [("CallUUID", "1")])
    assert not is_signed(signed(right), "another", URL, [("CallUUID", "1")])


def test_one_of_several_signatures_is_enough() -> None:
    right = signature(TOKEN, URL, (), "n1")
    assert is_signed(signed(f"AAAA,{right}"), TOKEN, URL)
    assert is_signed(signed(f"AAAA, {right}, BBBB"), TOKEN, URL)


def test_the_main_accounts_signature_counts_too() -> None:
    right = signature(TOKEN, URL, (), "n1")
    headers = signed("AAAA") | {"x-plivo-signature-ma-v3": right}
    assert is_signed(headers, TOKEN, URL)


def test_a_request_without_signature_or_nonce_is_not_signed() -> None:
    assert not is_signed({}, TOKEN, URL)
    assert not is_signed(signed(""), TOKEN, URL)
    assert not is_signed(signed(signature(TOKEN, URL, (), ""), nonce=""), TOKEN, URL)


@example(headers={"x-plivo-signature-v3-nonce": "n1"}, query="\ud800")
@given(headers=st.dictionaries(st.sampled_from(sorted(signed("", ""))), ANYTHING), query=ANYTHING)
def test_noise_is_not_signed(headers: dict[str, str], query: str) -> None:
    for url in (URL, f"{URL}?{query}", f"{URL}?{quote(query, errors='surrogatepass')}"):
        assert not is_signed(headers, TOKEN, url)
