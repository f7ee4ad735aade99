"""What passes between a caller and a speech-to-speech engine."""

from __future__ import annotations

import asyncio

import pytest

from getpatter.engines.base import AudioDelta, EngineSession
from getpatter.metering import used_by
from getpatter.testing.contracts.engine_stand import EngineStand
from getpatter.testing.contracts.responses import (
    EVERY_SCRIPT,
    ask,
    audio_of,
    done_in,
    heard_in,
    speech,
    spoken,
    text_of,
    until,
)
from getpatter.testing.realtime_session import Spoken


class RealtimeTurns(EngineStand):
    """Turns, interruptions of them, and what they cost."""

    # -- turns

    async def test_a_turn_is_understood_and_answered(self) -> None:
        async with self._call(Spoken("At what time?"), heard=("a table",)) as (engine, session, _):
            await ask(engine, session)
            events = await spoken(session, and_heard=True)
        assert text_of(events) == "At what time?"
        assert heard_in(events) == ["a table"]
        seconds = len(audio_of(events)) / engine.output_format.bytes_per_second
        assert seconds == pytest.approx(3 * 0.4, abs=0.05)
        assert len({event.item_id for event in events if isinstance(event, AudioDelta)}) == 1
        assert done_in(events).status == "completed"

    async def test_words_of_every_script_are_told_as_they_are(self) -> None:
        words = EVERY_SCRIPT.replace("\n ", "")
        async with self._call(Spoken(words), heard=(words,)) as (engine, session, _):
            await ask(engine, session)
            events = await spoken(session, and_heard=True)
        assert text_of(events) == words
        assert heard_in(events) == [words]

    async def test_turns_follow_each_other(self) -> None:
        answers = (Spoken("At what time?"), Spoken("For how many?"), Spoken("Goodbye."))
        async with self._call(*answers, heard=("a table", "at eight", "two")) as (engine, session, _):
            for answer, words in zip(answers, ("a table", "at eight", "two"), strict=True):
                await ask(engine, session)
                events = await spoken(session, and_heard=True)
                assert (heard_in(events), text_of(events)) == ([words], answer.text)

    async def test_words_of_ours_are_said(self) -> None:
        async with self._call() as (_, session, _):
            session.say("Good morning.")
            assert text_of(await spoken(session)) == "Good morning."

    async def test_what_was_told_otherwise_than_by_voice_is_answered(self) -> None:
        async with self._call(Spoken("Thank you.")) as (_, session, server):
            session.tell("[pressed 1]")
            session.respond()
            assert text_of(await spoken(session)) == "Thank you."
            assert any("[pressed 1]" in words for words in server.seen().words)

    # -- interruptions

    async def test_of_an_answer_that_is_cancelled_nothing_more_comes(self) -> None:
        answers = (Spoken("one two three " * 100), Spoken("Go on."))
        async with self._call(*answers, pace=20.0) as (engine, session, _):
            await ask(engine, session)
            await until(session, AudioDelta)
            session.send(speech(engine))
            session.cancel()
            session.cancel()
            events = await spoken(session)
            assert not audio_of(events)
            assert not text_of(events)
            assert done_in(events).status == "cancelled"
            session.commit()
            session.respond()
            assert text_of(await spoken(session)) == "Go on."

    async def test_there_is_nothing_to_cancel_between_answers(self) -> None:
        async with self._call(Spoken("Yes."), Spoken("No.")) as (engine, session, _):
            session.cancel()
            await ask(engine, session)
            assert text_of(await spoken(session)) == "Yes."
            session.cancel()
            await ask(engine, session)
            assert text_of(await spoken(session)) == "No."

    async def test_an_answer_of_which_little_was_heard_is_no_hindrance(self) -> None:
        async with self._call(Spoken("one two three four"), Spoken("Go on.")) as (engine, session, _):
            await ask(engine, session)
            events = await spoken(session)
            item_id = next(event.item_id for event in events if isinstance(event, AudioDelta))
            session.truncate(item_id, 500)
            await ask(engine, session)
            assert text_of(await spoken(session)) == "Go on."

    # -- money

    async def test_what_is_paid_for_is_counted(self) -> None:
        async with self._call(Spoken("Yes."), Spoken("No.")) as (engine, session, _):
            for _ in range(2):
                await ask(engine, session)
                done = done_in(await spoken(session))
                assert (done.usage is not None) is self.tells_usage
            await self._has_counted(session)
            used = used_by(session)
        assert used
        assert all(one.product.vendor for one in used)
        if self.counts_tokens:
            most = max(used, key=lambda one: one.input_tokens)
            assert (most.input_tokens, most.output_tokens) == (240, 160)
            assert (most.input_audio_tokens, most.output_audio_tokens) == (160, 120)

    async def _has_counted(self, session: EngineSession) -> None:
        """Some vendors tell tokens later than that the response is complete, with which no event comes."""
        while self.counts_tokens and sum(used.input_tokens for used in used_by(session)) < 240:  # noqa: ASYNC110
            await asyncio.sleep(0)
