"""Whether Twilio sent a request: https://www.twilio.com/docs/usage/security#validating-requests

The signature itself is computed by Twilio's own library.  Which spellings of our URL it may have been made over is
decided here: that library gives `wss` the port 80, breaks IPv6 addresses and fails on a request without the header.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import parse_qs

from twilio.request_validator import (
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
    get_signature_algorithm,
)

from getpatter.carriers.base import WebhookRequest
from getpatter.carriers.form import Fields, posted
from getpatter.errors import CarrierError, InvalidSignature

_HEADER: Final = SIGNATURE_HEADER.lower()
_SETTINGS: Final = SIGNATURE_SETTINGS_HEADER.lower()
_DEFAULT_PORTS: Final = {"http": "80", "ws": "80", "https": "443", "wss": "443"}
_URL: Final = re.compile(
    r"(?P<scheme>[a-z]+)://(?P<host>(?:[^/?#@]*@)?(?:\[[^\]/?#]*\]|[^:/?#]*))(?::(?P<port>[0-9]+))?(?P<rest>(?:[/?#].*)?)",
    re.DOTALL,
)


class Signer:
    """What one account's requests are signed with."""

    def __init__(self, auth_token: str, shared_key: str = "") -> None:
        """`shared_key` is for accounts whose webhooks are signed with one; such requests say so in a header."""
        self._auth_token = RequestValidator(auth_token)
        self._shared_key = RequestValidator(shared_key) if shared_key else self._auth_token

    def check(self, request: WebhookRequest) -> None:
        """Raises `InvalidSignature` unless Twilio signed this webhook."""
        if not _body_is_covered(request):
            raise _refused("The request's body is not the one that its URL was signed for.")
        self._check(request, spellings(request.url), _signed_fields(request))

    def check_stream(self, request: WebhookRequest) -> None:
        """The same for the request that opens a media stream: Twilio signs its URL as wss, without fields."""
        self._check(request, stream_spellings(request.url), [])

    def _check(self, request: WebhookRequest, urls: Iterable[str], fields: Fields) -> None:
        given = request.headers.get(_HEADER, "")
        if not given:
            raise _refused(f"The request has no {SIGNATURE_HEADER} header.")
        settings = request.headers.get(_SETTINGS, "")
        algorithm = get_signature_algorithm(settings)
        validator = self._shared_key if settings else self._auth_token
        params = _Params(fields)
        try:
            computed = [validator.compute_signature(url, params, algorithm) for url in urls]
        except UnicodeError:
            raise _refused("The request's URL or fields hold what is no text.") from None
        except ValueError:
            raise _refused("The request was signed by an algorithm that is not known here.") from None
        if not any(_same(given, one) for one in computed):
            raise _refused(f"The request's {SIGNATURE_HEADER} is not the one of this account and URL.")


class _Params:
    """Fields as the official library reads them: a name may have several values."""

    def __init__(self, fields: Fields) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in fields:
            self._values.setdefault(name, []).append(value)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def getall(self, name: str) -> list[str]:
        return self._values[name]


def spellings(url: str) -> list[str]:
    """The URL with and without a port: Twilio signs now one, now the other."""
    parts = _URL.fullmatch(url)
    if parts is None:
        return [url]
    scheme, host, port, rest = parts["scheme"], parts["host"], parts["port"], parts["rest"]
    ports = ("", f":{port or _DEFAULT_PORTS.get(scheme, '')}")
    return [f"{scheme}://{host}{port}{rest}" for port in ports if port != ":"]


def stream_spellings(url: str) -> list[str]:
    """The URL of a media stream under each scheme and port, and with and without a slash at its end."""
    _, separator, rest = url.partition("://")
    if not separator:
        return [url]
    bare = rest.rstrip("/")
    schemes = ("wss", "https", "ws", "http")
    urls = (spellings(f"{scheme}://{path}") for scheme in schemes for path in (bare, f"{bare}/"))
    return list(itertools.chain.from_iterable(urls))


def _signed_fields(request: WebhookRequest) -> Fields:
    """The fields that are part of the signature; those of a query are in the URL already."""
    if request.method == "GET" or _body_hash(request) is not None:
        return []
    try:
        return posted(request)
    except CarrierError as broken:
        raise _refused(broken.message) from None


def _body_is_covered(request: WebhookRequest) -> bool:
    """A body that is no form is signed by its hash, which is in the URL; one of a GET is not signed at all."""
    expected = _body_hash(request)
    if expected is not None:
        return _same(expected.lower(), hashlib.sha256(request.body).hexdigest())
    return request.method != "GET" or not request.body


def _body_hash(request: WebhookRequest) -> str | None:
    query = request.url.partition("#")[0].partition("?")[2]
    try:
        found = parse_qs(query, max_num_fields=100).get("bodySHA256")
    except ValueError:
        return None
    return found[0] if found else None


def _same(given: str, right: str) -> bool:
    """In constant time, and of anything: the library compares no text that is not ASCII."""
    return hmac.compare_digest(given.encode(errors="replace"), right.encode())


def _refused(message: str) -> InvalidSignature:
    return InvalidSignature(
        message,
        next_step="If it was Twilio: set PATTER_PUBLIC_URL to the very address that Twilio was told, and "
        "TWILIO_AUTH_TOKEN to the account's primary auth token.",
    )
