from __future__ import annotations

import pytest

from getpatter.control.guard import Guard
from getpatter.errors import AccessDenied

guard = Guard.for_hosts("secret", ["Phone.example"])


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "LOCALHOST:1", "[::1]:8000", "phone.example"])
def test_the_token_passes_under_every_known_name(host: str) -> None:
    guard.check({"host": host, "authorization": "Bearer secret"})


@pytest.mark.parametrize("host", ["", "evil.example", "127.0.0.1.evil.example:80", "[::2]:80"])
def test_another_name_is_refused_even_with_the_token(host: str) -> None:
    with pytest.raises(AccessDenied, match="not known as"):
        guard.check({"host": host, "authorization": "Bearer secret"})


@pytest.mark.parametrize("authorization", [None, "", "secret", "Basic secret", "Bearer", "Bearer wrong", "Bearer é"])
def test_anything_but_the_token_is_refused(authorization: str | None) -> None:
    headers = {"host": "localhost"} | ({"authorization": authorization} if authorization is not None else {})
    with pytest.raises(AccessDenied, match="token is missing or wrong"):
        guard.check(headers)


def test_an_empty_token_is_no_token() -> None:
    with pytest.raises(ValueError, match="everybody"):
        Guard("")


def test_the_token_is_not_shown() -> None:
    assert "secret" not in repr(guard)
