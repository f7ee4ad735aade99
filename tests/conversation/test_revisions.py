from __future__ import annotations

import asyncio

import pytest

from getpatter.conversation.history import History, UserEntry
from getpatter.conversation.revisions import Revisions
from getpatter.llm.base import Message


class Hook:
    """Revises when it may, by writing in capitals; drops what is empty then."""

    def __init__(self) -> None:
        self.may = asyncio.Event()
        self.seen: list[str] = []

    async def __call__(self, said: UserEntry) -> bool:
        self.seen.append(said.text)
        await self.may.wait()
        said.text = said.text.upper()
        return bool(said.text)


async def test_a_turn_is_no_message_before_it_is_revised() -> None:
    history, revisions, hook = History(), Revisions(), Hook()
    asked = revisions.begin(history.add_user("hello"), hook)
    await asyncio.sleep(0)
    assert history.messages() == []
    hook.may.set()
    await revisions.done()
    assert history.messages() == [Message("user", "HELLO")]
    assert asked.result()


async def test_turns_are_revised_one_after_the_other() -> None:
    history, revisions, hook = History(), Revisions(), Hook()
    for words in ("one", "two"):
        revisions.begin(history.add_user(words), hook)
    for _ in range(5):
        await asyncio.sleep(0)
    assert hook.seen == ["one"]
    hook.may.set()
    await revisions.done()
    assert hook.seen == ["one", "two"]


async def test_whoever_waits_may_stop_waiting_and_the_revision_goes_on() -> None:
    history, revisions, hook = History(), Revisions(), Hook()
    revisions.begin(history.add_user("hello"), hook)
    waiting = asyncio.create_task(revisions.done())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    hook.may.set()
    await revisions.done()
    assert history.messages() == [Message("user", "HELLO")]


async def test_what_could_not_be_revised_is_told_to_nobody() -> None:
    async def broken(said: UserEntry) -> bool:
        raise LookupError

    history, revisions = History(), Revisions()
    asked = revisions.begin(history.add_user("my card is 4111"), broken)
    await revisions.done()
    assert history.messages() == []
    with pytest.raises(LookupError):
        asked.result()


async def test_there_need_be_nothing_to_wait_for() -> None:
    await Revisions().done()
