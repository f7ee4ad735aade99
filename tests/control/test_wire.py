from __future__ import annotations

import json

import pytest

from getpatter.control.wire import error_from_wire, error_to_wire, status_of
from getpatter.errors import (
    AccessDenied,
    CallNotFound,
    CarrierError,
    ConfigurationError,
    InvalidRequest,
    InvalidSignature,
    MediaError,
    PartialReply,
    PatterError,
    PolicyDenied,
    ProviderError,
    StoreError,
    ToolError,
)


def sent_over(error: PatterError) -> PatterError | None:
    return error_from_wire(json.dumps(error_to_wire(error)).encode())


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
    received = sent_over(sent)
    assert type(received) is CallNotFound
    assert (received.message, received.next_step) == (sent.message, sent.next_step)


@pytest.mark.parametrize("content", [b"", b"<html>", b'{"detail": "Not Found"}', b'{"error": "no"}'])
def test_other_bodies_hold_no_error_of_ours(content: bytes) -> None:
    assert error_from_wire(content) is None


@pytest.mark.parametrize(
    "sent",
    [
        PolicyDenied("This is an emergency number.", rule="emergency_number"),
        CarrierError("The account has no money left.", carrier_code="20003", next_step="Top it up."),
        MediaError("The stream broke.", carrier_code="31921"),
        ProviderError("The model is overloaded.", provider="mistral", retryable=True),
        StoreError("The database is locked.", retryable=True),
        ToolError("The caller spoke first.", status="rejected"),
    ],
)
def test_what_a_kind_tells_beside_the_text_travels(sent: PatterError) -> None:
    received = sent_over(sent)
    assert type(received) is type(sent)
    assert received.details == sent.details
    assert any(received.details.values())


def test_what_a_model_had_said_stays_here() -> None:
    assert "Dr. Ito" not in json.dumps(error_to_wire(PartialReply("It broke off.", said="Dr. Ito is in.")))


def test_details_that_only_another_version_knows_are_left_out() -> None:
    sent = error_to_wire(CarrierError("Refused.", carrier_code="20003"))
    sent["error"]["details"] |= {"carrier_code": 20003, "retry_after_s": 3.5, "message": "Taken."}
    received = error_from_wire(json.dumps(sent).encode())
    assert isinstance(received, CarrierError)
    assert (received.message, received.carrier_code) == ("Refused.", "")


def test_an_engine_that_sends_no_details_is_understood() -> None:
    received = error_from_wire(b'{"error": {"code": "policy_denied", "message": "No."}}')
    assert isinstance(received, PolicyDenied)
    assert received.rule == ""


def test_an_error_of_no_kind_of_its_own_comes_as_its_parents() -> None:
    class OutOfMoney(CarrierError):
        def __init__(self) -> None:
            super().__init__("The account has no money left.", carrier_code="20003")

    received = sent_over(OutOfMoney())
    assert type(received) is CarrierError
    assert received.carrier_code == "20003"
