from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from starlette.responses import Response

from getpatter.carriers.rest import ATTEMPTS
from getpatter.carriers.telnyx.api import Call, Dialed, TelnyxApi
from getpatter.errors import CarrierError

if TYPE_CHECKING:
    from tests.carriers.telnyx.conftest import ApiServer

CALL = "v3:a/b?c#d"


async def test_a_command_goes_to_its_call_with_the_key(api: TelnyxApi, server: ApiServer) -> None:
    await api.command(CALL, "send_dtmf", {"digits": "1"})
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/calls/v3%3Aa%2Fb%3Fc%23d/actions/send_dtmf")
    assert asked.authorization == "Bearer KEY0123secret"
    assert asked.fields == {"digits": "1"}


async def test_each_command_has_an_id_of_its_own(api: TelnyxApi, server: ApiServer) -> None:
    await api.command(CALL, "hangup", {})
    await api.command(CALL, "hangup", {})
    first, second = (asked.body["command_id"] for asked in server.asked)
    assert first != second


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_command_is_repeated_with_the_same_id(api: TelnyxApi, server: ApiServer, status: int) -> None:
    server.refuse(status, "10007", times=2)
    assert await api.dial({"to": "+1"}) == Dialed("v3:colleague")
    assert len(server.asked) == 3
    assert len({asked.body["command_id"] for asked in server.asked}) == 1


async def test_a_refusal_is_told_and_not_repeated(api: TelnyxApi, server: ApiServer) -> None:
    server.refuse(403, "10010", "Authorization failed", "Unverified origination number D51")
    with pytest.raises(CarrierError) as raised:
        await api.dial({"to": "+1"})
    assert raised.value.carrier_code == "10010"
    assert "Verify the number" in (raised.value.next_step or "")
    assert len(server.asked) == 1


async def test_no_error_has_the_key(api: TelnyxApi, server: ApiServer) -> None:
    server.refuse(401, "10009", "Authentication failed")
    with pytest.raises(CarrierError) as raised:
        await api.dial({"to": "+1"})
    assert "KEY0123secret" not in f"{raised.value!r} {raised.value.next_step}"


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"data":{}}', b'{"data":[]}'])
async def test_an_answer_that_cannot_be_read_is_an_error(api: TelnyxApi, server: ApiServer, body: bytes) -> None:
    server.answers = [Response(body), Response(body)]
    with pytest.raises(CarrierError, match="cannot be read"):
        await api.call(CALL)
    with pytest.raises(CarrierError, match="may have been placed all the same") as unnamed:
        await api.dial({"to": "+1"})
    assert "Try again" not in (unnamed.value.next_step or "")


@pytest.mark.parametrize(
    ("action", "doubt"), [("transfer", True), ("send_dtmf", True), ("speak", True), ("hangup", False)]
)
async def test_what_others_would_ask_for_anew_may_be_done_already(
    api: TelnyxApi, server: ApiServer, action: str, doubt: bool
) -> None:
    server.answers = [Response(status_code=502)] * ATTEMPTS
    with pytest.raises(CarrierError) as failed:
        await (api.hang_up(CALL) if action == "hangup" else api.command(CALL, action, {}))
    assert ("may have been done all the same" in failed.value.message) is doubt


class TestHangUp:
    async def test_a_call_is_ended(self, api: TelnyxApi, server: ApiServer) -> None:
        await api.hang_up(CALL)
        assert server.actions == ["hangup"]

    async def test_one_that_is_over_is_no_error(self, api: TelnyxApi, server: ApiServer) -> None:
        server.refuse(422, "90018", "Call has already ended")
        await api.hang_up(CALL)

    async def test_nor_is_one_that_is_not_known(self, api: TelnyxApi, server: ApiServer) -> None:
        server.refuse(404, "10005", "Resource not found")
        await api.hang_up(CALL)

    async def test_other_refusals_are_told(self, api: TelnyxApi, server: ApiServer) -> None:
        server.refuse(401, "10009")
        with pytest.raises(CarrierError):
            await api.hang_up(CALL)


async def test_a_call_is_asked_about(api: TelnyxApi, server: ApiServer) -> None:
    assert await api.call(CALL) == Call(is_alive=True, call_duration=12)
    server.refuse(404, "10005")
    assert await api.call(CALL) is None


async def test_a_number_is_found_by_itself(api: TelnyxApi, server: ApiServer) -> None:
    assert (await api.number("+12025550199")).id == "77"
    assert server.asked[0].path == "/phone_numbers?filter%5Bphone_number%5D=%2B12025550199"


async def test_a_number_that_only_looks_like_it_is_another(api: TelnyxApi, server: ApiServer) -> None:
    """The filter finds numbers that contain what was asked for."""
    with pytest.raises(CarrierError, match="not one of the Telnyx account's"):
        await api.number("+1202555019")


async def test_an_application_that_is_not_there_is_named_by_its_setting(api: TelnyxApi, server: ApiServer) -> None:
    server.refuse(404, "10005", "Resource not found")
    with pytest.raises(CarrierError) as raised:
        await api.application("1")
    assert "TELNYX_CONNECTION_ID" in (raised.value.next_step or "")


class TestDownload:
    async def test_a_recording_is_fetched_without_the_key(self, api: TelnyxApi, server: ApiServer) -> None:
        server.answers = [Response(b"RIFF....")]
        assert b"".join([piece async for piece in api.download(f"{server.url}/recordings/a.wav")]) == b"RIFF...."
        assert server.asked[0].authorization == ""

    async def test_one_on_another_server_needs_https(self, api: TelnyxApi) -> None:
        with pytest.raises(CarrierError, match="not fetched"):
            [piece async for piece in api.download("http://169.254.169.254/latest")]

    async def test_one_that_has_expired_is_an_error(self, api: TelnyxApi, server: ApiServer) -> None:
        server.answers = [Response(b"<Error>", 403)]
        with pytest.raises(CarrierError, match="HTTP 403"):
            [piece async for piece in api.download(f"{server.url}/recordings/a.wav")]
