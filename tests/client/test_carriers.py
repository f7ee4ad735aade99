"""`Patter` on the wires of real carriers: what programs were told and what people heard, the same with each."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from getpatter import CallResult, CarrierError, MachineDetectionResult
from getpatter.calls import settling
from getpatter.testing.clip_voice import sound_of, without_silence

if TYPE_CHECKING:
    from getpatter.testing.line_call import LineCall
    from tests.client.conftest import Log, Numbers, Office, Trunk

SAM = "Hello, this is Sam."
WHO = "Sorry, who is this?"


def heard(line: LineCall) -> bytes:
    """What the party heard of the agent."""
    assert line.far_end is not None
    return without_silence(bytes(line.far_end.heard))


@pytest.fixture
def log(office: Office) -> Log:
    return office.log


# -- calls that come in


async def test_whoever_rings_the_number_is_answered_and_the_program_is_told_in_order(
    office: Office, log: Log, trunk: Trunk, numbers: Numbers
) -> None:
    async with office.serving(office.agent(SAM)):
        await office.ring(numbers.caller)
        end = await log.until("on_call_end")
    assert log.names == ["on_call_start", "on_transcript", "on_transcript", "on_metrics", "on_call_end"]
    start = log.of("on_call_start")[0]
    assert (start["caller"], start["direction"], start["telephony_provider"]) == (numbers.caller, "inbound", trunk.name)
    assert [line["text"] for line in end["transcript"]] == ["Hello?", SAM]
    assert (end["call_id"], end["outcome"]) == (start["call_id"], "answered")
    assert end["metrics"].cost.telephony > 0
    assert heard(await office.line(numbers.caller)) == sound_of(SAM)


async def test_on_call_start_says_who_answers(office: Office, log: Log, numbers: Numbers) -> None:
    started = log.callbacks("on_call_start")["on_call_start"]

    async def start(call: dict[str, Any]) -> dict[str, Any]:
        await started(call)
        return {"first_message": WHO}

    async with office.serving(office.agent(first_message=SAM), on_call_start=start):
        await office.ring(numbers.listener)
    assert heard(await office.line(numbers.listener)) == sound_of(WHO)


async def test_a_number_that_is_not_ours_to_manage_is_left_alone(office: Office, numbers: Numbers) -> None:
    async with office.serving(office.agent(), manage_webhook=False):
        assert not office.cloud.requests
        with pytest.raises(CarrierError):
            await office.ring(numbers.caller)


async def test_whoever_only_calls_out_leaves_the_number_alone(office: Office, numbers: Numbers) -> None:
    await office.call(numbers.busy, office.agent(), wait=True)
    with pytest.raises(CarrierError):
        await office.ring(numbers.caller)


async def test_a_number_that_cannot_be_led_here_is_told_and_nothing_goes_on(office: Office) -> None:
    office.cloud.numbers.clear()
    ready = asyncio.create_task(office.ready())
    await asyncio.sleep(0)
    with pytest.raises(CarrierError) as refused:
        await office.phone.serve(office.agent(), 0)
    with pytest.raises(CarrierError):
        await ready
    assert refused.value.next_step
    office.cloud.own("+12025550199")
    async with office.serving(office.agent()):
        pass


async def test_the_number_follows_a_tunnel_that_moves(office: Office, log: Log, numbers: Numbers) -> None:
    async with office.serving(office.agent(first_message=SAM)):
        name = office.tunnel.move()
        await office.until(lambda: any(name in str(asked.fields) for asked in office.cloud.requests))
        await office.ring(numbers.listener)
        assert (await log.until("on_call_end"))["outcome"] == "answered"
    assert any(name in callback.url for callback, _ in office.cloud.webhooks.delivered)


# -- calls that we place


async def test_calls_at_once_have_their_own_agent_first_message_and_callbacks(office: Office, numbers: Numbers) -> None:
    wanted = {numbers.listener: SAM, numbers.other_listener: WHO}
    logs = {number: type(office.log)() for number in wanted}
    results = await asyncio.gather(
        *(
            office.call(number, office.agent(), first_message=message, wait=True, **logs[number].callbacks())
            for number, message in wanted.items()
        )
    )
    assert len({result.call_id for result in results}) == len(wanted)
    for (number, message), result in zip(wanted.items(), results, strict=True):
        assert heard(await office.line(number)) == sound_of(message)
        await logs[number].until("on_call_end")
        [start], [end] = logs[number].of("on_call_start"), logs[number].of("on_call_end")
        assert (start["call_id"], start["callee"], start["direction"]) == (result.call_id, number, "outbound")
        assert [line["text"] for line in end["transcript"]] == [message]


@pytest.mark.parametrize(
    ("who", "outcome", "status"),
    [
        ("listener", "answered", "completed"),
        ("nobody", "no_answer", "no-answer"),
        ("busy", "busy", "busy"),
        ("unknown", "failed", "failed"),
    ],
)
async def test_whatever_becomes_of_a_call_is_its_result(
    office: Office, numbers: Numbers, who: str, outcome: str, status: str
) -> None:
    everybody = {name: getattr(numbers, name) for name in ("listener", "nobody", "busy", "unknown")}
    result = await office.call(everybody[who], office.agent(first_message=SAM), wait=True)
    assert isinstance(result, CallResult)
    assert (result.outcome, result.status, bool(result.duration_seconds)) == (outcome, status, outcome == "answered")
    assert result.cost.telephony is not None
    assert (result.cost.telephony > 0) == (outcome == "answered")


async def test_a_call_that_nobody_has_taken_can_be_given_up(office: Office, numbers: Numbers) -> None:
    waiting = asyncio.create_task(office.call(numbers.far_away, office.agent(), wait=True))
    await office.line(numbers.far_away)
    await office.phone.stop()
    assert (await waiting).outcome == "canceled"
    call = await office.call(numbers.far_away, office.agent())
    await call.hangup()
    assert call.is_hung_up


async def test_a_machine_is_told_of_and_has_its_message_left(
    office: Office, log: Log, trunk: Trunk, numbers: Numbers
) -> None:
    result = await office.call(numbers.machine, office.agent(), voicemail_message=SAM, wait=True, **log.callbacks())
    found = log.of("on_machine_detection")[0]
    assert isinstance(found, MachineDetectionResult)
    assert (found.call_id, found.carrier, found.classification) == (result.call_id, trunk.name, "machine")
    assert found.raw
    assert (result.outcome, [line["text"] for line in result.transcript]) == ("voicemail", [SAM])
    assert heard(await office.line(numbers.machine)) == sound_of(SAM)


async def test_a_call_need_not_ask_who_took_it(office: Office, numbers: Numbers) -> None:
    for asked, verdict in ((False, None), (True, "human")):
        await office.call(numbers.caller, office.agent(SAM), machine_detection=asked, wait=True)
        assert (await office.line(numbers.caller)).verdict == verdict


# -- acting on a call


@pytest.mark.parametrize("how", ["hangup", "end_call"])
async def test_the_program_ends_a_call(office: Office, log: Log, numbers: Numbers, how: str) -> None:
    call = await office.call(numbers.patient, office.agent(), **log.callbacks())
    await log.until("on_transcript")
    await (call.hangup() if how == "hangup" else office.phone.end_call(call.call_id))
    end = await log.until("on_call_end")
    assert call.is_hung_up
    assert (end["outcome"], end["reason"]) == ("answered", "the program hung up")


async def test_the_program_presses_keys(office: Office, log: Log, numbers: Numbers) -> None:
    call = await office.call(numbers.menu, office.agent(), **log.callbacks())
    await log.until("on_transcript")
    await call.send_dtmf("12")
    end = await log.until("on_call_end")
    pressed = [line["text"] for line in end["transcript"] if line["text"].startswith("[DTMF")]
    assert (pressed, end["outcome"]) == (["[DTMF: 1]", "[DTMF: 2]"], "answered")
    assert (await office.line(numbers.menu)).end.by == "party"


@pytest.mark.parametrize("mode", ["cold", "warm"])
async def test_the_program_gives_a_call_to_somebody_else(office: Office, log: Log, numbers: Numbers, mode: Any) -> None:
    call = await office.call(numbers.patient, office.agent(), **log.callbacks())
    await log.until("on_transcript")
    await call.transfer(numbers.colleague, mode=mode, summary="Sam." if mode == "warm" else "")
    end = await log.until("on_call_end")
    assert (call.is_transferred, call.is_hung_up, end["outcome"]) == (True, False, "answered")
    colleague = await office.line(numbers.colleague)
    await colleague.answered.wait()
    assert any("Sam." in said for said in colleague.announcements) == (mode == "warm")


async def test_a_call_that_nobody_else_takes_goes_on(office: Office, log: Log, numbers: Numbers) -> None:
    call = await office.call(numbers.patient, office.agent(), **log.callbacks())
    await log.until("on_transcript")
    with pytest.raises(CarrierError):
        await call.transfer(numbers.busy, mode="warm", summary="Sam.")
    assert (call.is_transferred, call.ended) == (False, False)
    await call.hangup()


# -- what follows a call


async def test_both_recordings_lie_where_they_were_asked_for(
    office: Office, log: Log, numbers: Numbers, tmp_path: Path
) -> None:
    folder = tmp_path / "recorded"
    async with office.serving(office.agent(first_message=SAM), recording=True, local_recording=folder):
        await office.ring(numbers.listener)
        own = Path((await log.until("on_call_end"))["recording_path"])
        await office.until(lambda: len(list(folder.glob("*.wav"))) == 2)
    assert own.parent == folder
    assert [path.stat().st_size > 44 for path in folder.glob("*.wav")] == [True, True]


async def test_the_carriers_price_is_told_once_it_is_known(
    office: Office, log: Log, numbers: Numbers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "ASK_AT_S", (*(age / 50 for age in range(6000)), 86_400.0))
    agent = office.agent(first_message=SAM)
    async with office.serving(agent):
        result = await office.call(numbers.listener, wait=True)
        price = await log.until("on_price")
    assert (price["call_id"], price["currency"], price["amount"] > 0) == (result.call_id, "USD", True)
    assert log.names[-2:] == ["on_call_end", "on_price"]
