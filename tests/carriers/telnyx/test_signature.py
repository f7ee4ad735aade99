from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from getpatter.carriers.telnyx.signature import public_key, verify
from getpatter.errors import ConfigurationError, Expired, InvalidSignature
from getpatter.testing.telnyx_webhooks import TelnyxSigner

NOW = 1_700_000_000.0
SIGNER = TelnyxSigner()
KEY = public_key(SIGNER.public_key)
BODY = b'{"data":{}}'


def check(headers: Mapping[str, str], body: bytes = BODY, now: float = NOW) -> None:
    verify(KEY, headers, body, now)


def headers(**changes: str) -> dict[str, str]:
    given_names = {name.replace("_", "-"): value for name, value in changes.items()}
    return {**SIGNER.headers(BODY, NOW), **given_names}


def test_what_telnyx_signed_passes() -> None:
    check(headers())


def test_a_key_may_come_as_der() -> None:
    der = KEY.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    verify(public_key(b64encode(der).decode()), headers(), BODY, NOW)


@pytest.mark.parametrize("text", ["", "no key!", b64encode(b"short").decode(), b64encode(bytes(64)).decode()])
def test_what_is_no_key_is_refused_with_where_to_find_one(text: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        public_key(text)
    assert "Mission Control" in (raised.value.next_step or "")


def test_a_key_of_another_kind_is_refused() -> None:
    other = generate_private_key(SECP256R1()).public_key()
    der = other.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(ConfigurationError):
        public_key(b64encode(der).decode())


def test_one_of_several_signatures_is_enough() -> None:
    good = headers()["telnyx-signature-ed25519"]
    check(headers(telnyx_signature_ed25519=f"{b64encode(bytes(64)).decode()}, {good}"))


def test_a_long_list_of_signatures_is_not_gone_through() -> None:
    good = headers()["telnyx-signature-ed25519"]
    with pytest.raises(InvalidSignature):
        check(headers(telnyx_signature_ed25519="x," * 4 + good))


@pytest.mark.parametrize("missing", ["telnyx-signature-ed25519", "telnyx-timestamp"])
def test_both_headers_are_needed(missing: str) -> None:
    with pytest.raises(InvalidSignature, match="no Telnyx signature"):
        check({name: value for name, value in headers().items() if name != missing})


@pytest.mark.parametrize("timestamp", ["", "now", "-5", "1e9", "1700000000.5", "٣", "9" * 13])
def test_a_timestamp_is_a_number_of_seconds(timestamp: str) -> None:
    with pytest.raises(InvalidSignature, match="no Telnyx signature"):
        check(headers(telnyx_timestamp=timestamp))


def test_another_body_was_not_signed() -> None:
    with pytest.raises(InvalidSignature, match="not signed"):
        check(headers(), BODY + b" ")


def test_another_time_was_not_signed() -> None:
    with pytest.raises(InvalidSignature, match="not signed"):
        check(headers(telnyx_timestamp=str(int(NOW) + 1)))


@pytest.mark.parametrize("age", [299, 300, -30])
def test_a_webhook_may_be_on_its_way_for_a_while(age: int) -> None:
    check(SIGNER.headers(BODY, NOW - age))


@pytest.mark.parametrize("age", [301, 86_400])
def test_an_old_webhook_has_expired(age: int) -> None:
    with pytest.raises(Expired, match=f"{age} s ago"):
        check(SIGNER.headers(BODY, NOW - age))


def test_a_webhook_from_the_future_is_refused() -> None:
    with pytest.raises(InvalidSignature, match="31 s in the future"):
        check(SIGNER.headers(BODY, NOW + 31))


@given(signature=st.text(st.characters(), max_size=120), timestamp=st.text(st.characters(), max_size=14))
def test_noise_is_refused_and_nothing_else(signature: str, timestamp: str) -> None:
    with pytest.raises(InvalidSignature):
        check({"telnyx-signature-ed25519": signature, "telnyx-timestamp": timestamp})
    with pytest.raises(InvalidSignature):
        check(headers(telnyx_signature_ed25519=signature))
