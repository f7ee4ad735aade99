"""What every recogniser has to do that is sent whole utterances by HTTP."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

import pytest

from getpatter.audio import g711
from getpatter.audio.format import SILENCE
from getpatter.clock import SystemClock
from getpatter.errors import ProviderError
from getpatter.metering import used_by
from getpatter.stt.base import Recognition, SpeechHints, SpeechToText
from getpatter.stt.fallback import FallbackSTT
from getpatter.stt.utterance import PIECE_AT_MOST_S
from getpatter.testing.clock import SkippingClock
from getpatter.testing.contracts.leaks import nothing_left
from getpatter.testing.contracts.stt import KEY, PATIENCE_S, RecogniserContract, answer, rest, speech
from getpatter.testing.vendors.http_recogniser import HttpRecogniserServer

STALLED_S = 9.0
"""A vendor that gave no answer for so long gives none any more."""


class UtteranceContract(RecogniserContract[HttpRecogniserServer]):
    """Inherit it in a class whose name begins with `Test`, and say what is tested.  The provider takes µ-law."""

    def on_the_wire(self, audio: bytes) -> bytes:
        return g711.decode(audio)

    # -- utterances

    async def test_each_utterance_is_one_request(self) -> None:
        async with self._call("One.", "Two.") as (provider, recognition, server):
            for seconds in (0.5, 1.5):
                recognition.send(speech(provider, seconds))
                recognition.finalize()
                await answer(recognition)
            assert [utterance.seconds for utterance in server.utterances] == [0.5, 1.5]

    async def test_answers_come_in_the_order_of_the_requests(self) -> None:
        async with self._call("One.", "Two.") as (provider, recognition, server):
            server.holds = True
            for number in (1, 2):
                recognition.send(speech(provider, 0.5))
                recognition.finalize()
                await server.utterance(number)
            server.utterances[1].answers.set()
            reading = asyncio.create_task(answer(recognition))
            server.utterances[0].answers.set()
            assert await reading == "One."
            assert await answer(recognition) == "Two."

    async def test_silence_and_what_is_too_short_is_not_asked_about(self) -> None:
        async with self._call("Thanks for watching.") as (provider, recognition, server):
            for audio in (bytes([SILENCE]) * 16_000, speech(provider, 0.05)):
                recognition.send(audio)
                recognition.finalize()
                assert await answer(recognition) == ""
            assert server.utterances == []
            assert all(used.seconds == 0 for used in used_by(recognition))

    async def test_an_utterance_that_becomes_too_long_is_cut_and_answered_as_one(self) -> None:
        async with self._call("One", "two", "three.") as (provider, recognition, server):
            recognition.send(speech(provider, 2.5 * PIECE_AT_MOST_S))
            await server.utterance(2)
            recognition.finalize()
            seen = []
            async for transcript in recognition.transcripts():
                seen.append((transcript.text, transcript.final))
                if transcript.from_finalize:
                    break
            assert seen == [("One", False), ("One two", False), ("One two three.", True)]
            assert max(utterance.seconds for utterance in server.utterances) <= PIECE_AT_MOST_S

    # -- money

    async def test_ringing_costs_nothing(self) -> None:
        async with self._call("Hello.") as (_, recognition, server):
            assert server.utterances == []
            assert all(used.seconds == 0 for used in used_by(recognition))

    async def test_a_call_that_ends_breaks_off_what_is_asked(self) -> None:
        async with self._call("Hello.") as (provider, recognition, server):
            server.holds = True
            reading = asyncio.create_task(rest(recognition))
            recognition.send(speech(provider, 0.5))
            recognition.finalize()
            utterance = await server.utterance()
            await recognition.close()
            await recognition.close()
            assert await reading == []
            await utterance.left.wait()

    # -- failures

    async def test_a_torn_connection_is_tried_once_more(self) -> None:
        async with self._call("Hello.") as (provider, recognition, server):
            server.tears = 1
            recognition.send(speech(provider, 0.5))
            recognition.finalize()
            assert await answer(recognition) == "Hello."

    async def test_connections_that_are_torn_again_and_again_are_an_error_that_may_pass(self) -> None:
        async with self._call("Hello.") as (provider, recognition, server):
            server.tears = 9
            assert (await self._lost(provider, recognition)).retryable

    async def test_after_a_loss_what_was_not_answered_is_heard_again(self) -> None:
        server = self.server("Hello.", key=KEY)
        async with server.running(), asyncio.timeout(PATIENCE_S), nothing_left():
            primary = self.provider(server.url, api_key=KEY, clock=SystemClock())
            provider = FallbackSTT(primary)
            recognition = await provider.open(SpeechHints())
            reading = asyncio.create_task(answer(recognition))
            server.refuses = HTTPStatus.BAD_GATEWAY
            recognition.send(speech(primary, 0.5))
            recognition.finalize()
            await server.until(lambda: server.refused > 0)
            server.refuses = None
            assert await reading == "Hello."
            assert server.audio == self.on_the_wire(speech(primary, 0.5))
            await recognition.close()
            await provider.close()

    async def test_what_cannot_be_read_is_an_error_of_the_provider(self) -> None:
        async with self._call("Hello.") as (provider, recognition, server):
            server.garbles = True
            assert provider.name in (await self._lost(provider, recognition)).message

    async def test_a_vendor_that_falls_silent_is_given_up(self) -> None:
        clock = SkippingClock()
        async with self._call("Hello.", clock=clock) as (provider, recognition, server):
            server.holds = True
            losing = asyncio.create_task(self._lost(provider, recognition))
            utterance = await server.utterance()
            clock.skip(STALLED_S)
            assert (await losing).retryable
            await utterance.left.wait()

    async def _lost(self, provider: SpeechToText, recognition: Recognition) -> ProviderError:
        """What asking for a transcript fails with."""
        recognition.send(speech(provider, 0.5))
        recognition.finalize()
        with pytest.raises(ProviderError) as failure:
            await answer(recognition)
        assert KEY not in failure.value.message
        return failure.value
