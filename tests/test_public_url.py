"""What carriers are told to call is a URL that they can call."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getpatter.errors import ConfigurationError
from getpatter.public_url import is_loopback, public_url, shown, with_scheme


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("phone.example.org", "https://phone.example.org"),
        ("phone.example.org:8443", "https://phone.example.org:8443"),
        ("https://phone.example.org/", "https://phone.example.org"),
        ("https://Phone.Example.org/calls/", "https://phone.example.org/calls"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_the_base_url(text: str, url: str) -> None:
    assert public_url(text) == url


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is empty"),
        ("http://phone.example.org", "is not HTTPS"),
        ("http://127.0.0.1.example.org", "is not HTTPS"),
        ("wss://phone.example.org", "is not HTTPS"),
        ("https://", "has no host name"),
        ("https://phone..org", "has no host name"),
        ("https://phone_line.example.org", "has no host name"),
        ("https://phone.example.org:port", "is no URL"),
        ("https://phone.example.org?a=1", "more than a host and a path"),
        ("https://phone.example.org#a", "more than a host and a path"),
    ],
)
def test_what_cannot_work_is_refused_with_a_reason(text: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why) as refused:
        public_url(text)
    assert refused.value.next_step


def test_a_password_is_not_repeated() -> None:
    with pytest.raises(ConfigurationError) as refused:
        public_url("https://me:s3cret@phone.example.org")
    assert "s3cret" not in str(refused.value)


@given(st.text(max_size=60))
def test_any_text_gives_a_url_or_a_refusal(text: str) -> None:
    try:
        url = public_url(text)
    except ConfigurationError:
        return
    assert public_url(url) == url
    assert url.startswith(("https://", "http://"))
    assert not url.endswith("/")


def test_empty_stays_empty() -> None:
    assert with_scheme("  ") == ""


@pytest.mark.parametrize(
    ("host", "loopback"), [("127.8.8.8", True), ("::1", True), ("10.0.0.1", False), ("a.b", False)]
)
def test_what_is_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://admin:hunter2@pbx.example/in?key=s3cret#part", "https://pbx.example"),
        ("https://pbx.example:8443/hooks/s3cret", "https://pbx.example:8443"),
        ("wss://me@[2001:db8::1]:8443/s3cret", "wss://[2001:db8::1]:8443"),
        ("https://pbx.example", "https://pbx.example"),
        ("https://me:s3cret@", "an unreadable URL"),
        ("https://pbx.example:s3cret/", "an unreadable URL"),
        ("https://[s3cret/", "an unreadable URL"),
        ("s3cret", "an unreadable URL"),
        ("", "an unreadable URL"),
    ],
)
def test_of_another_systems_url_only_the_server_is_shown(url: str, said: str) -> None:
    assert shown(url) == said
