"""Whatever comes in from outside, the engine says what is wrong with it and goes on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from getpatter.calls.views import CallQuery, PlaceCall
from getpatter.control.remote import RemoteSwitchboard
from getpatter.errors import AccessDenied, AtCapacity
from getpatter.events import Problem
from getpatter.testing.network import SimNetwork
from getpatter.testing.parties import Directory
from getpatter.testing.signing import sim_secret

if TYPE_CHECKING:
    from tests.e2e.conftest import Numbers, OpenHouse

POLICY_VIOLATION, UNSUPPORTED, TOO_BIG = 1008, 1003, 1009
"""WebSocket close codes (RFC 6455 section 7.4.1)."""


# -- media sockets ----------------------------------------------------------------------------------------------


async def test_a_media_socket_with_a_wrong_token_is_closed_and_the_right_one_still_taken(
    open_house: OpenHouse,
) -> None:
    async with open_house() as house:
        await house.assistant.use("serve_inbound")
        async with house.handset() as handset:
            async with handset.open(token="guessed") as stranger:
                assert await stranger.closed() == POLICY_VIOLATION
            async with handset.open() as line:
                await line.agent_speaks()
                await line.send(line.codec.stop())
            call = await house.ended(handset.call_id)
    assert call.how == ("answered", "caller", "")


async def test_a_token_is_good_for_one_media_socket(open_house: OpenHouse) -> None:
    async with open_house() as house:
        await house.assistant.use("serve_inbound")
        async with house.handset() as handset, handset.open() as line:
            await line.agent_speaks()
            async with handset.open() as second:
                assert await second.closed() == POLICY_VIOLATION
            assert (await house.board.get(handset.call_id)).status == "in_progress"
            await line.send(line.codec.stop())
            await house.ended(handset.call_id)


async def test_a_media_socket_that_does_not_begin_with_start_is_closed(open_house: OpenHouse) -> None:
    async with open_house() as house:
        await house.assistant.use("serve_inbound")
        async with house.handset() as handset:
            async with handset.connect() as line:
                await line.send(line.codec.media(bytes(160)))
                assert await line.closed() == POLICY_VIOLATION
            assert (await house.board.get(handset.call_id)).answered_at is None
            await house.board.hang_up(handset.call_id)
            await house.ended(handset.call_id)


async def test_a_media_socket_for_no_call_is_refused(open_house: OpenHouse) -> None:
    async with open_house() as house:
        await house.assistant.use("serve_inbound")
        async with house.handset() as handset:
            with pytest.raises(InvalidStatus, match="404"):
                async with handset.connect(call_id="call_0"):
                    pass
            await house.board.hang_up(handset.call_id)


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(b"{", id="cut off"),
        pytest.param(b"[" * 60_000, id="nested without end"),
        pytest.param(b'{"event":"media"}', id="a field is missing"),
        pytest.param(b'{"event":"media","media":{"track":"inbound","payload":"&"}}', id="no base64"),
    ],
)
async def test_a_call_goes_on_after_a_malformed_message(open_house: OpenHouse, message: bytes) -> None:
    async with open_house() as house:
        await house.assistant.use("serve_inbound")
        async with house.handset() as handset, handset.open() as line:
            await line.agent_speaks()
            await line.send(message)
            await line.send(message)
            await line.send(line.codec.dtmf("5"))
            await line.send(line.codec.stop())
            call = await house.ended(handset.call_id)
    assert call.how == ("answered", "caller", "")
    kinds = [type(event).__name__ for event in call.events]
    assert kinds.index("Problem") < kinds.index("DtmfPressed")
    assert [event.code for event in call.events if isinstance(event, Problem)] == ["media"]


async def test_a_stream_that_says_only_nonsense_is_given_up(open_house: OpenHouse) -> None:
    async with open_house() as house:
        await house.assistant.use("serve_inbound")
        async with house.handset() as handset, handset.open() as line:
            await line.agent_speaks()
            for _ in range(10):
                await line.send(b"nonsense")
            assert await line.closed() == UNSUPPORTED
            call = await house.ended(handset.call_id)
    assert call.how == ("failed", "carrier", "media")


async def test_an_oversized_message_ends_its_call_and_no_other(open_house: OpenHouse, numbers: Numbers) -> None:
    async with open_house() as house:
        await house.assistant.use("serve_inbound")
        other = await house.place(numbers.patient, first_message="Good day.")
        async with house.handset() as handset, handset.open() as line:
            await line.agent_speaks()
            await line.send(line.codec.media(bytes(100_000)))
            assert await line.closed() == TOO_BIG
            call = await house.ended(handset.call_id)
        assert (await house.talking(other)).status == "in_progress"
        await house.board.hang_up(other)
    assert call.how == ("failed", "carrier", "media")
    assert "1009" in call.result["error"]


# -- webhooks ---------------------------------------------------------------------------------------------------


async def test_a_webhook_without_a_signature_is_refused(open_house: OpenHouse) -> None:
    async with open_house() as house, httpx.AsyncClient(trust_env=False) as stranger:
        await house.assistant.use("serve_inbound")
        for kind in ("voice", "status", "amd"):
            answer = await stranger.post(f"{house.engine.carrier_url}/webhooks/sim/{kind}", data={"CallSid": "CA1"})
            assert answer.status_code == 403
        assert await house.board.list(CallQuery()) == []


async def test_the_carrier_listener_serves_nothing_else(open_house: OpenHouse) -> None:
    async with open_house() as house, httpx.AsyncClient(trust_env=False) as stranger:
        for path in ("/", "/health", "/mcp", "/api/control/calls", "/docs", "/openapi.json"):
            assert (await stranger.get(f"{house.engine.carrier_url}{path}")).status_code == 404, path


# -- requests of assistants -------------------------------------------------------------------------------------


async def test_an_unknown_call_is_named(open_house: OpenHouse, refused: type[Exception]) -> None:
    async with open_house() as house:
        for tool in ("get_call", "wait_for_call", "get_transcript", "hang_up"):
            for call_id in ("call_0", "../calls", "' OR 1=1"):
                with pytest.raises(refused, match=r"There is no call .* list_calls"):
                    await house.assistant.use(tool, call_id=call_id)


async def test_a_malformed_number_is_explained(open_house: OpenHouse, refused: type[Exception]) -> None:
    async with open_house() as house:
        for number in ("12025550100", "+1", "0800 123", "+1202555x100", "hello", ""):
            with pytest.raises(refused, match=r"not an international telephone number.*\+12025550100"):
                await house.place(number)
        assert await house.board.list(CallQuery()) == []


async def test_a_wrong_bearer_token_opens_nothing(open_house: OpenHouse, numbers: Numbers) -> None:
    async with open_house() as house:
        stranger = RemoteSwitchboard(house.engine.private_url, "guessed")
        with pytest.raises(AccessDenied):
            await stranger.place(PlaceCall(to_number=numbers.patient, goal="Get in."))
        with pytest.raises(AccessDenied):
            await stranger.list(CallQuery())
        await stranger.aclose()
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.post(f"{house.engine.private_url}/mcp", headers={"Authorization": "Bearer guessed"})
        assert answer.status_code == 401
        assert await house.board.list(CallQuery()) == []


async def test_a_request_with_the_same_key_gives_the_same_call(open_house: OpenHouse, numbers: Numbers) -> None:
    async with open_house() as house:
        first, second = await asyncio.gather(
            house.place(numbers.far_away, idempotency_key="once"), house.place(numbers.far_away, idempotency_key="once")
        )
        await house.board.hang_up(first)
        await house.ended(first)
        assert {first, second, await house.place(numbers.far_away, idempotency_key="once")} == {first}
    async with open_house() as later:
        assert await later.place(numbers.far_away, idempotency_key="once") == first


async def test_more_calls_than_lines_are_refused(
    open_house: OpenHouse, numbers: Numbers, refused: type[Exception]
) -> None:
    async with open_house(max_calls=1) as house:
        call_id = await house.place(numbers.far_away)
        with pytest.raises(AtCapacity):
            await house.board.place(PlaceCall(to_number=numbers.patient, goal="Be the second."))
        with pytest.raises(refused, match=r"All 1 lines are busy\. Wait for a call to end"):
            await house.place(numbers.patient)
        await house.board.hang_up(call_id)
        await house.ended(call_id)


@pytest.mark.parametrize("answering", [False, True])
async def test_a_caller_for_whom_there_is_no_agent_or_no_line_hears_busy(
    open_house: OpenHouse, numbers: Numbers, answering: bool
) -> None:
    async with open_house(max_calls=1) as house:
        await house.assistant.use("serve_inbound", enabled=answering)
        call_id = await house.place(numbers.far_away)
        network = SimNetwork(Directory.load(house.settings.parties), sim_secret(house.settings.home))
        result = await network.ring(house.voice_url, numbers.brief, house.settings.phone_number)
        await network.close()
        assert (result.answered, result.reason) == (False, "busy")
        await house.board.hang_up(call_id)
