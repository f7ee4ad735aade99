from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from getpatter.testing.signing import sign, signed_by, sim_secret

URL = "http://127.0.0.1:8080/webhooks/sim/status"
FIELDS = [("CallSid", "CA1"), ("From", "+12025550100")]


def test_a_home_has_one_secret_that_its_owner_alone_can_read(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    secret = sim_secret(home)
    assert len(secret) == 64
    assert sim_secret(home) == secret
    assert stat.S_IMODE((home / "sim.key").stat().st_mode) == 0o600
    assert [file.name for file in home.iterdir()] == ["sim.key"]


def test_processes_that_make_it_at_the_same_time_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(sim_secret, [tmp_path] * 8))) == 1


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
