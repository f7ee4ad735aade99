from __future__ import annotations

import json

import pytest

from getpatter.control.wire import error_from_wire, error_to_wire, status_of
from getpatter.errors import (
    AccessDenied,
    CallNotFound,
    ConfigurationError,
    InvalidRequest,
    InvalidSignature,
    PatterError,
    PolicyDenied,
)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (AccessDenied, 401),
        (PolicyDenied, 403),
        (CallNotFound, 404),
        (InvalidRequest, 422),
        (InvalidSignature, 502),
        (ConfigurationError, 500),
        (PatterError, 500),
    ],
)
def test_the_nearest_kind_in_the_tree_gives_the_status(kind: type[PatterError], status: int) -> None:
    assert status_of(kind("no")) == status


def test_an_error_comes_back_as_itself() -> None:
    sent = CallNotFound("There is no call 'x'.", next_step="List the calls.")
    received = error_from_wire(json.dumps(error_to_wire(sent)).encode())
    assert type(received) is CallNotFound
    assert (received.message, received.next_step) == (sent.message, sent.next_step)


@pytest.mark.parametrize("content", [b"", b"<html>", b'{"detail": "Not Found"}', b'{"error": "no"}'])
def test_other_bodies_hold_no_error_of_ours(content: bytes) -> None:
    assert error_from_wire(content) is None
