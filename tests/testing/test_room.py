"""Far ends that hear each other, in real time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from getpatter.testing.far_end import FarEnd
from getpatter.testing.happenings import RoomEvent
from getpatter.testing.parties import parse_party
from getpatter.testing.room import Conference, Room, wait_alone
from getpatter.testing.speech import prepare
from getpatter.testing.verbs import JoinRoom

if TYPE_CHECKING:
    from tests.testing.conftest import InstantListener


async def far_end(listener: InstantListener, steps: str) -> FarEnd:
    party = parse_party(f'number: "+12025550150"\nname: Sam\nsteps: {steps}', source="test")
    return FarEnd(party, await prepare(party), None, listener)


def speech_in(audio: bytearray) -> bool:
    """Something far louder than the line was there: µ-law is the quieter, the more of its bits are set."""
    return any(byte & 0x7F < 0x40 for byte in audio)


async def test_each_hears_the_others(listener: InstantListener) -> None:
    talker = await far_end(listener, "[{say: 'Hello?'}, hang_up]")
    others = [await far_end(listener, "[{pause: 1000}]") for _ in range(2)]
    room = Room()
    async with asyncio.timeout(60):
        await asyncio.gather(*(room.stay(one, lambda: talker.hung_up) for one in (talker, *others)))
    assert [speech_in(one.heard) for one in others] == [True, True]
    assert not speech_in(talker.heard)


async def test_nobody_is_heard_before_the_room_is_open(listener: InstantListener) -> None:
    talker = await far_end(listener, "[{say: 'Hello?'}, hang_up]")
    other = await far_end(listener, "[{pause: 1000}]")
    room = Room(is_open=False)
    async with asyncio.timeout(60):
        await asyncio.gather(*(room.stay(one, lambda: talker.hung_up) for one in (talker, other)))
    assert not speech_in(other.heard)


async def test_whoever_waits_alone_hears_what_is_announced(listener: InstantListener) -> None:
    one = await far_end(listener, "[{pause: 1000}]")
    over = asyncio.Event()
    one.announce(b"\x10" * 320, over.set)
    async with asyncio.timeout(60):
        await wait_alone(one, over.is_set)
    assert bytes(one.heard).count(b"\x10") == 320


async def test_a_conference_tells_on_the_terms_of_its_first_member(listener: InstantListener) -> None:
    first, second = await far_end(listener, "[{pause: 1000}]"), await far_end(listener, "[hang_up]")
    conference, told = Conference(), list[RoomEvent]()
    waits, comes = JoinRoom("room", opens=False), JoinRoom("room", closes=True)
    async with asyncio.timeout(60):
        await asyncio.gather(
            conference.attend(first, waits, lambda: False, told.append),
            conference.attend(second, comes, lambda: False, told.append),
        )
    assert [event.kind for event in told] == ["join", "start", "join", "leave", "end", "leave"]
    assert [event.number for event in told] == [1, 2, 3, 4, 5, 6]
    assert {event.terms for event in told} == {waits}
