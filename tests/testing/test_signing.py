from __future__ import annotations

from pathlib import Path

import pytest

from getpatter.testing.signing import sign, signed_by, sim_secret

URL = "http://127.0.0.1:8080/webhooks/sim/status"
FIELDS = [("CallSid", "CA1"), ("From", "+12025550100")]


def test_a_home_has_one_secret(tmp_path: Path) -> None:
    assert sim_secret(tmp_path) == sim_secret(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["sim.key"]


def test_a_signature_holds_for_the_same_request_in_any_order_of_fields() -> None:
    assert signed_by(b"k", sign(b"k", URL, FIELDS), URL, list(reversed(FIELDS)))


@pytest.mark.parametrize(
    ("secret", "url", "fields"),
    [
        (b"other", URL, FIELDS),
        (b"k", URL + "?x", FIELDS),
        (b"k", URL, FIELDS[:1]),
        (b"k", URL, [*FIELDS, FIELDS[0]]),
        (b"k", URL, [("CallSid", "CA1From"), ("", "+12025550100")]),
    ],
)
def test_any_change_breaks_it(secret: bytes, url: str, fields: list[tuple[str, str]]) -> None:
    assert not signed_by(secret, sign(b"k", URL, FIELDS), url, fields)


@pytest.mark.parametrize("signature", ["", "x", "ü"])
def test_what_is_no_signature_is_none(signature: str) -> None:
    assert not signed_by(b"k", signature, URL, FIELDS)
