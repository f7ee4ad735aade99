"""Calls over the simulated network to and from an engine on real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import pytest

from getpatter.carriers.base import WebhookRequest
from getpatter.errors import CarrierError
from getpatter.testing import answer_document
from getpatter.testing.line_call import LineCall
from getpatter.testing.network import SimNetwork
from getpatter.testing.parties import Directory, Party, parse_party
from getpatter.testing.signing import SIGNATURE_HEADER, sign

if TYPE_CHECKING:
    from tests.testing.conftest import AgentLine, FakeEngine

SECRET = b"secret"
PERSON = "+12025550150"
BUSY = "+12025550151"
NOBODY = "+12025550152"
MACHINE = "+12025550153"
WAITING = "+12025550154"
FOREVER = "+12025550155"
MUTE = "+12025550156"
ASKING = "+12025550158"
COLLEAGUE = "+12025550157"


def party(number: str, name: str, rest: str, ring_s: float = 0.01) -> Party:
    return parse_party(f'number: "{number}"\nname: {name}\nring_s: {ring_s}\n{rest}', source=name)


PARTIES = Directory(
    [
        party(PERSON, "person", "steps: [{say: 'Hello?'}, hang_up]"),
        party(BUSY, "busy", "answers: busy"),
        party(NOBODY, "nobody", "answers: no_answer"),
        party(MACHINE, "machine", "answers: voicemail\nsteps: [{say: 'Hello?'}, {beep: 0.1}, hang_up]"),
        party(WAITING, "waiting", "steps: [{say: 'Hello?'}, {pause: 1000}]"),
        party(FOREVER, "forever", "rings: 100", ring_s=60),
        party(COLLEAGUE, "colleague", "steps: [{say: 'Hello?'}, listen, hang_up]"),
        party(ASKING, "asking", "steps: [{say: 'Hello?'}, {listen: 0.3}, {say: 'You are welcome. Goodbye.'}, hang_up]"),
        party(MUTE, "mute", "steps: [{say: Nobody ever rendered this.}]"),
    ]
)


@pytest.fixture
async def network() -> AsyncIterator[SimNetwork]:
    network = SimNetwork(PARTIES, SECRET)
    yield network
    await network.close()


async def over(call: LineCall) -> None:
    """Wait until the call and its last callback are done."""
    async with asyncio.timeout(60):
        await call.ended.wait()


async def test_a_call_rings_is_answered_and_ends_with_the_party(network: SimNetwork, engine: FakeEngine) -> None:
    call = await network.dial(engine.dial_request(PERSON))
    await over(call)
    assert engine.statuses == ["initiated", "ringing", "in-progress", "completed"]
    [line] = engine.lines
    assert line.started is not None
    assert (line.started.carrier_call_id, line.started.parameters) == (call.legs.call_id, {"token": "t & t"})
    assert call.far_end is not None
    assert call.far_end.spoken == ["Hello?"]


async def test_callbacks_are_numbered_complete_and_signed(network: SimNetwork, engine: FakeEngine) -> None:
    call = await network.dial(engine.dial_request(PERSON))
    await over(call)
    forms = engine.fields("status")
    assert [form["SequenceNumber"] for form in forms] == ["0", "1", "2", "3"]
    assert {(form["CallSid"], form["To"], form["Direction"]) for form in forms} == {
        (call.legs.call_id, PERSON, "outbound-api")
    }
    assert forms[-1]["CallDuration"].isdigit()
    assert all(signed(webhook) for webhook in engine.webhooks)
    assert engine.upgrade_headers[SIGNATURE_HEADER] == sign(SECRET, engine.stream_url)


def signed(webhook: WebhookRequest) -> bool:
    form = parse_qsl(webhook.body.decode(), keep_blank_values=True)
    return webhook.headers[SIGNATURE_HEADER] == sign(SECRET, webhook.url, form)


@pytest.mark.parametrize(
    ("number", "statuses", "cause"),
    [(BUSY, ["initiated", "busy"], "486"), (NOBODY, ["initiated", "ringing", "no-answer"], "487")],
)
async def test_a_call_that_nobody_takes(
    network: SimNetwork, engine: FakeEngine, number: str, statuses: list[str], cause: str
) -> None:
    await over(await network.dial(engine.dial_request(number)))
    assert engine.statuses == statuses
    assert engine.fields("status")[-1]["SipResponseCode"] == cause
    assert engine.lines == []


async def test_ringing_longer_than_asked_for_is_no_answer(network: SimNetwork, engine: FakeEngine) -> None:
    await over(await network.dial(engine.dial_request(FOREVER, ring_timeout_s=0.01)))
    assert engine.statuses == ["initiated", "ringing", "no-answer"]


async def test_a_ringing_call_can_be_canceled(network: SimNetwork, engine: FakeEngine) -> None:
    call = await network.dial(engine.dial_request(FOREVER))
    network.hang_up(call.legs.call_id)
    await over(call)
    assert engine.statuses == ["initiated", "ringing", "canceled"]


async def test_a_live_call_is_connected_to_somebody_else(network: SimNetwork, engine: FakeEngine) -> None:
    async def hands_over(line: AgentLine) -> None:
        await line.hear(0.1)
        assert line.started is not None
        await network.update(line.started.carrier_call_id, answer_document.dial_number(COLLEAGUE, 30))
        await line.to_the_end()

    engine.agent = hands_over
    call = await network.dial(engine.dial_request(ASKING))
    await over(call)
    assert engine.lines[0].stopped, "the engine is out of it"
    assert call.onward is not None
    assert call.onward.spoken == ["Hello?"]
    assert call.far_end is not None
    assert call.far_end.spoken == ["Hello?", "You are welcome. Goodbye."], "it heard the colleague and answered"
    assert engine.statuses == ["initiated", "ringing", "in-progress", "completed"]


@pytest.mark.parametrize("number", [BUSY, NOBODY, FOREVER])
async def test_a_call_whose_transfer_nobody_takes_is_over(network: SimNetwork, engine: FakeEngine, number: str) -> None:
    async def hands_over(line: AgentLine) -> None:
        await line.hear(0.1)
        assert line.started is not None
        await network.update(line.started.carrier_call_id, answer_document.dial_number(number, 0))
        await line.to_the_end()

    engine.agent = hands_over
    call = await network.dial(engine.dial_request(WAITING))
    await over(call)
    assert call.onward is None
    assert engine.statuses[-1] == "completed"


async def test_a_transferred_call_can_be_hung_up(network: SimNetwork, engine: FakeEngine) -> None:
    async def hands_over(line: AgentLine) -> None:
        await line.hear(0.1)
        assert line.started is not None
        await network.update(line.started.carrier_call_id, answer_document.dial_number(WAITING, 30))
        await line.to_the_end()
        network.hang_up(line.started.carrier_call_id)

    engine.agent = hands_over
    call = await network.dial(engine.dial_request(WAITING))
    await over(call)
    assert engine.statuses[-1] == "completed"


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        (answer_document.dial_number("+12025550199", 30), "Nobody"),
        (answer_document.reject("busy"), "only be told to"),
        (answer_document.dial_number(PERSON, 30), "no call"),
    ],
)
async def test_what_cannot_be_done_with_a_call_is_refused(network: SimNetwork, document: bytes, fault: str) -> None:
    with pytest.raises(CarrierError, match=fault):
        await network.update("CA0", document)


async def test_a_ringing_call_cannot_be_transferred(network: SimNetwork, engine: FakeEngine) -> None:
    call = await network.dial(engine.dial_request(FOREVER))
    with pytest.raises(CarrierError, match="not in progress"):
        await network.update(call.legs.call_id, answer_document.dial_number(PERSON, 30))


async def test_a_live_call_can_be_hung_up(network: SimNetwork, engine: FakeEngine) -> None:
    async def hangs_up_by_the_carrier(line: AgentLine) -> None:
        await line.hear(0.1)
        assert line.started is not None
        network.hang_up(line.started.carrier_call_id)
        await line.to_the_end()

    engine.agent = hangs_up_by_the_carrier
    await over(await network.dial(engine.dial_request(WAITING)))
    assert engine.lines[0].stopped
    assert engine.statuses[-1] == "completed"


async def test_an_engine_that_closes_the_stream_ends_the_call(network: SimNetwork, engine: FakeEngine) -> None:
    async def says_nothing(line: AgentLine) -> None:
        await line.hear(0.1)

    engine.agent = says_nothing
    await over(await network.dial(engine.dial_request(WAITING)))
    assert engine.statuses[-1] == "completed"


async def test_the_carrier_ends_a_call_that_lasts_too_long(network: SimNetwork, engine: FakeEngine) -> None:
    await over(await network.dial(engine.dial_request(WAITING, max_duration_s=0.2)))
    assert engine.lines[0].stopped
    assert engine.statuses[-1] == "completed"


async def test_a_stream_that_the_engine_refuses_completes_the_call_with_the_cause(
    network: SimNetwork, engine: FakeEngine
) -> None:
    engine.accept = False
    await over(await network.dial(engine.dial_request(PERSON)))
    assert engine.statuses[-1] == "completed"
    assert "403" in engine.fields("status")[-1]["ErrorMessage"]


@pytest.mark.parametrize(("number", "answered_by"), [(PERSON, "human"), (MACHINE, "machine_end_beep")])
async def test_answering_machine_detection(
    network: SimNetwork, engine: FakeEngine, number: str, answered_by: str
) -> None:
    await over(await network.dial(engine.dial_request(number)))
    [form] = engine.fields("amd")
    assert form["AnsweredBy"] == answered_by
    assert form["MachineDetectionDuration"].isdigit()


async def test_nothing_is_detected_unless_asked_for(network: SimNetwork, engine: FakeEngine) -> None:
    await over(await network.dial(engine.dial_request(MACHINE, machine_detection=False)))
    assert engine.fields("amd") == []


async def test_an_engine_without_webhooks_can_still_talk(network: SimNetwork, engine: FakeEngine) -> None:
    await over(await network.dial(engine.dial_request(PERSON, webhooks_url="http://127.0.0.1:9")))
    assert engine.lines[0].stopped


async def test_an_unknown_number_cannot_be_dialled(network: SimNetwork, engine: FakeEngine) -> None:
    with pytest.raises(CarrierError, match=r"\+12025550150 \(person\)"):
        await network.dial(engine.dial_request("+12025550199"))


async def test_a_party_without_a_voice_cannot_be_dialled(network: SimNetwork, engine: FakeEngine) -> None:
    with pytest.raises(CarrierError, match=r"mute .* cannot be called: .*Nobody ever rendered this"):
        await network.dial(engine.dial_request(MUTE))


async def test_closing_drops_all_calls_and_leaves_no_task(engine: FakeEngine) -> None:
    before = asyncio.all_tasks()
    network = SimNetwork(PARTIES, SECRET)
    talking = asyncio.Event()

    async def tells(line: AgentLine) -> None:
        talking.set()
        await line.to_the_end()

    engine.agent = tells
    await network.dial(engine.dial_request(WAITING))
    await network.dial(engine.dial_request(FOREVER))
    async with asyncio.timeout(60):
        await talking.wait()
        await network.close()
        await engine.lines[0].to_the_end()
    await network.close()
    left = {task.get_name() for task in asyncio.all_tasks() - before}
    assert not [name for name in left if "simulated" in name or "far end" in name or "reports" in name]


async def test_a_party_rings_the_engine_and_is_answered(network: SimNetwork, engine: FakeEngine) -> None:
    result = await network.ring(f"{engine.base}/voice", PERSON, "+12025550199")
    assert result.answered
    assert (result.ended_by, result.spoken) == ("party", ("Hello?",))
    [form] = engine.fields("voice")
    assert (form["From"], form["To"], form["CallStatus"]) == (PERSON, "+12025550199", "ringing")
    assert (form["Direction"], form["ExpectedPhrase"]) == ("inbound", "Hello?")
    assert signed(engine.webhooks[0])
    [line] = engine.lines
    assert line.started is not None
    assert (line.started.carrier_call_id, line.started.parameters) == (result.carrier_call_id, {"token": "t & t"})


async def test_a_party_is_turned_away(network: SimNetwork, engine: FakeEngine) -> None:
    engine.document = answer_document.reject("busy")
    result = await network.ring(f"{engine.base}/voice", PERSON, "+12025550199")
    assert not result.answered
    assert result.reason == "busy"


async def test_a_party_gives_up_on_an_engine_that_fails(network: SimNetwork, engine: FakeEngine) -> None:
    engine.voice_status = 503
    with pytest.raises(CarrierError, match="HTTP 503"):
        await network.ring(f"{engine.base}/voice", PERSON, "+12025550199")
    engine.voice_status, engine.document = 200, b"<Response/>"
    with pytest.raises(CarrierError, match="neither"):
        await network.ring(f"{engine.base}/voice", PERSON, "+12025550199")
    with pytest.raises(CarrierError, match="could not be reached"):
        await network.ring("http://127.0.0.1:9/voice", PERSON, "+12025550199")


async def test_a_slow_engine_is_waited_for(network: SimNetwork, engine: FakeEngine) -> None:
    engine.voice_delay = asyncio.Event()
    ringing = asyncio.create_task(network.ring(f"{engine.base}/voice", PERSON, "+12025550199"))
    async with asyncio.timeout(60):
        await engine.ringing.wait()
        assert not ringing.done()
        engine.voice_delay.set()
        assert (await ringing).answered


async def test_calls_are_found_while_they_live_and_a_little_longer(network: SimNetwork, engine: FakeEngine) -> None:
    call = await network.dial(engine.dial_request(PERSON))
    assert network.find(call.legs.call_id) is call
    await over(call)
    assert network.find(call.legs.call_id) is call
    assert network.find("CA0") is None
    network.hang_up("CA0")
