"""Signatures that anybody's library of the specification can check."""

from __future__ import annotations

import base64
import time

import pytest
from openai import InvalidWebhookSignatureError, OpenAI
from pydantic import SecretStr

from getpatter.connections.standard_webhooks import TOLERANCE_S, SigningSecret, is_timely
from getpatter.errors import ConfigurationError

KEY = b"thirty-two bytes of a signing key"[:32]
TEXT = f"whsec_{base64.b64encode(KEY).decode()}"
BODY = '{"text":"Grüezi"}'.encode()


def test_the_official_client_of_a_vendor_that_follows_the_specification_accepts_what_we_sign() -> None:
    headers = SigningSecret(TEXT).headers("msg_1", time.time(), BODY)
    webhooks = OpenAI(api_key="none").webhooks
    webhooks.verify_signature(BODY, headers, secret=TEXT)
    with pytest.raises(InvalidWebhookSignatureError):
        webhooks.verify_signature(BODY + b" ", headers, secret=TEXT)


def test_a_published_signature_is_ours() -> None:
    """The example of the specification's reference libraries."""
    secret = SigningSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    assert secret.signature("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == (
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


@pytest.mark.parametrize(
    ("message_id", "timestamp", "body"), [("msg_2", 5, BODY), ("msg_1", 6, BODY), ("msg_1", 5, BODY[:-1])]
)
def test_a_signature_fits_one_message(message_id: str, timestamp: int, body: bytes) -> None:
    secret = SigningSecret(SecretStr(TEXT + "\n"))
    signature = secret.signature("msg_1", 5, BODY)
    assert secret.signed("msg_1", 5, BODY, signature)
    assert secret.signed("msg_1", 5, BODY, f"v1,AAAA {signature}"), "two, while a secret is changed"
    assert not secret.signed(message_id, timestamp, body, signature)


@pytest.mark.parametrize("signatures", ["", "v1,", "v1", "é"])
def test_what_is_no_signature_fits_nothing(signatures: str) -> None:
    assert not SigningSecret(TEXT).signed("msg_1", 5, BODY, signatures)


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "hunter2",
        TEXT.removeprefix("whsec_"),
        "whsec_" + base64.b64encode(KEY[:23]).decode(),
        "whsec_" + base64.b64encode(KEY * 3).decode(),
        "whsec_%%%",
    ],
)
def test_what_is_no_secret_is_refused_without_being_shown(secret: str) -> None:
    with pytest.raises(ConfigurationError, match="signing secret") as refused:
        SigningSecret(secret)
    assert "token_bytes(32)" in (refused.value.next_step or "")
    assert not secret or secret not in str(refused.value)


def test_clocks_may_differ_a_little() -> None:
    assert is_timely(1000, 1000 + TOLERANCE_S)
    assert is_timely(1000, 1000 - TOLERANCE_S)
    assert not is_timely(1000, 1001 + TOLERANCE_S)
    assert not is_timely(1000, 999 - TOLERANCE_S)
