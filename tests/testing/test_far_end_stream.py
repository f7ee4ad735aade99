"""The far end on a real socket, against a server that is not ours."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from hashlib import sha1
from typing import TYPE_CHECKING

import pytest

from getpatter.carriers.base import StreamStarted
from getpatter.errors import CarrierError
from getpatter.testing.far_end import FarEnd, Listener
from getpatter.testing.far_end_stream import FarEndStream, StreamEnd
from getpatter.testing.parties import parse_party
from getpatter.testing.speech import prepare
from getpatter.testing.twilio_line import TwilioLineCodec

if TYPE_CHECKING:
    from tests.testing.conftest import AgentLine, FakeEngine


async def far_end(listener: Listener, steps: str) -> FarEnd:
    party = parse_party(f'number: "+12025550150"\nname: Sam\nsteps:\n{steps}', source="test")
    return FarEnd(party, await prepare(party), TwilioLineCodec("MZ1", "CA1", {"token": "t"}), listener)


WAITS = "- pause: 1000\n"


async def test_a_party_that_hangs_up_sends_stop_and_closes(listener: Listener, engine: FakeEngine) -> None:
    party = await far_end(listener, "- say: Hello?\n- hang_up\n")
    end = await FarEndStream(party, engine.stream_url, hang_up=asyncio.Event(), headers={"x-hello": "1"}).run()
    [line] = engine.lines
    await line.to_the_end()
    assert end == StreamEnd("party")
    assert line.stopped
    assert line.started == StreamStarted("MZ1", "CA1", {"token": "t"})
    assert bytes(line.heard) == bytes(party.said)
    assert engine.upgrade_headers["x-hello"] == "1"


async def test_the_carrier_can_hang_up(listener: Listener, engine: FakeEngine) -> None:
    hang_up = asyncio.Event()

    async def hangs_up_after_a_moment(line: AgentLine) -> None:
        await line.hear(0.1)
        hang_up.set()
        await line.to_the_end()

    engine.agent = hangs_up_after_a_moment
    end = await FarEndStream(await far_end(listener, WAITS), engine.stream_url, hang_up=hang_up).run()
    assert end == StreamEnd("carrier")
    assert engine.lines[0].stopped


async def test_an_engine_that_closes_ends_the_call(listener: Listener, engine: FakeEngine) -> None:
    async def refuses(line: AgentLine) -> None:
        await line.hear(0.04)
        await line.socket.close(1008, "wrong token")
        line.closed = True

    engine.agent = refuses
    end = await FarEndStream(await far_end(listener, WAITS), engine.stream_url, hang_up=asyncio.Event()).run()
    assert end == StreamEnd("engine", 1008, "wrong token")


async def test_a_dropped_socket_is_told_from_a_closed_one(listener: Listener) -> None:
    async def drop(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        key = next(line.split()[1] for line in request.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
        writer.write(accept_upgrade(key))
        await reader.readexactly(20)
        writer.transport.abort()

    async with await asyncio.start_server(drop, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        end = await FarEndStream(await far_end(listener, WAITS), url, hang_up=asyncio.Event()).run()
    assert end.by == "lost"


def accept_upgrade(key: bytes) -> bytes:
    accept = b64encode(sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
    return head + accept + b"\r\n\r\n"


async def test_an_engine_that_refuses_the_stream_is_told_with_its_answer(
    listener: Listener, engine: FakeEngine
) -> None:
    engine.accept = False
    with pytest.raises(CarrierError, match="403"):
        await FarEndStream(await far_end(listener, WAITS), engine.stream_url, hang_up=asyncio.Event()).run()


@pytest.mark.parametrize("url", ["ws://127.0.0.1:9/", "nonsense"])
async def test_an_engine_that_is_not_there_is_an_error(listener: Listener, url: str) -> None:
    with pytest.raises(CarrierError, match="could not be opened"):
        await FarEndStream(await far_end(listener, WAITS), url, hang_up=asyncio.Event()).run()


async def test_the_agents_speech_is_played_and_its_mark_returned(
    listener: Listener, engine: FakeEngine, agent_speech: bytes
) -> None:
    async def says_one_sentence(line: AgentLine) -> None:
        await line.say(agent_speech[:4000])

    engine.agent = says_one_sentence
    party = await far_end(listener, WAITS)
    end = await FarEndStream(party, engine.stream_url, hang_up=asyncio.Event()).run()
    assert end.by == "engine"
    assert agent_speech[:4000] in bytes(party.heard)
    assert party.playout.underruns == 0


async def test_frames_are_never_early(listener: Listener, engine: FakeEngine) -> None:
    async def listens(line: AgentLine) -> None:
        await line.hear(0.5)

    engine.agent = listens
    loop = asyncio.get_running_loop()
    began = loop.time()
    await FarEndStream(await far_end(listener, WAITS), engine.stream_url, hang_up=asyncio.Event()).run()
    assert loop.time() - began >= 0.48
