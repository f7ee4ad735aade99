"""A recogniser that is lost, on a clock that the test moves and with ears that take bytes for letters."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from getpatter.audio.format import AudioFormat
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.failover import Switch
from getpatter.metering import Product, Used
from getpatter.stt.base import SpeechHints
from getpatter.stt.fallback import FallbackRecognition, FallbackSTT, lasting
from getpatter.testing.clock import ManualClock
from getpatter.testing.failing import HANGS, REFUSES, Fault, LiteralRecognition, LiteralSTT

HINTS = SpeechHints(phrases=("Good evening.",))


async def turns() -> None:
    """Let everybody else run until nobody has anything to do."""
    for _ in range(20):
        await asyncio.sleep(0)


class Hearing:
    """One call's recognition, being read."""

    def __init__(self, clock: ManualClock, recognition: FallbackRecognition) -> None:
        self.clock = clock
        self.recognition = recognition
        self.finals: list[str] = []
        self.interims: list[str] = []
        self.switches: list[Switch] = []
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for transcript in self.recognition.transcripts():
            (self.finals if transcript.final else self.interims).append(transcript.text)

    async def passes(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await turns()

    def says(self, text: str) -> None:
        self.recognition.send(text.encode("latin-1"))

    async def lose(self, live: LiteralRecognition) -> None:
        live.lose()
        await turns()


@asynccontextmanager
async def hearing(
    *providers: LiteralSTT, attempts: int = 3, buffer_s: float = 6.0, answer_s: float = 5.0
) -> AsyncIterator[Hearing]:
    clock = ManualClock()
    primary, *fallbacks = providers
    switches: list[Switch] = []
    stt = FallbackSTT(primary, *fallbacks, attempts=attempts, buffer_s=buffer_s, answer_s=answer_s, clock=clock)
    recognition = await stt.reporting_to(switches.append).open(HINTS)
    call = Hearing(clock, recognition)
    call.switches = switches
    await turns()
    try:
        yield call
    finally:
        async with asyncio.timeout(30):
            await recognition.close()
            await asyncio.wait({call.reading})
            for provider in providers:
                assert all(opened.closed for opened in provider.opened)
        assert clock.next_timer is None


async def test_all_recognitions_are_paid_also_those_that_were_lost() -> None:
    first, second = LiteralSTT(), LiteralSTT()
    async with hearing(first, second, attempts=1) as call:
        assert not call.recognition.used
        await call.lose(first.opened[0])
        await call.passes(1.0)
        for provider, name in ((first, "one"), (second, "two")):
            for opened in provider.opened:
                opened.used = (Used(Product("acme", name), seconds=2.0),)  # type: ignore[attr-defined]  # metered now
        used = {each.product.model: each.seconds for each in call.recognition.used}
    assert used == {"one": 2.0 * len(first.opened)} | ({"two": 2.0} if second.opened else {})
    assert len(first.opened) + len(second.opened) > 1


async def test_a_healthy_recogniser_is_passed_through() -> None:
    stt = LiteralSTT()
    async with hearing(stt) as call:
        call.says("hello")
        stt.opened[0].interim()
        call.recognition.finalize()
        await turns()
    assert (call.interims, call.finals) == (["hello"], ["hello"])
    assert stt.hints == [HINTS]
    assert call.switches == []


async def test_a_lost_recogniser_is_reconnected_and_hears_what_it_missed() -> None:
    stt = LiteralSTT()
    async with hearing(stt) as call:
        call.says("I would like ")
        await call.lose(stt.opened[0])
        call.says("a table ")
        await call.passes(0.1)
        call.says("for two")
        call.recognition.finalize()
        await turns()
    assert call.finals == ["I would like a table for two"]
    assert [str(switch) for switch in call.switches] == ["The connection was lost; it was connected anew."]


async def test_words_of_which_a_late_final_knew_nothing_are_heard_by_who_takes_over() -> None:
    stt = LiteralSTT()
    async with hearing(stt) as call:
        for round_ in range(2):  # of a recognition that hears some of it again, the times begin anew
            for word in ("One ", "two ", "three "):
                call.says(word)
            stt.opened[round_].endpoint_behind(len("three "))
            await turns()
            await call.lose(stt.opened[round_])
            await call.passes(0.1)
        call.recognition.finalize()
        await turns()
    assert call.finals == ["One two ", "three One two ", "three "]


async def test_a_recogniser_that_just_stops_is_lost_as_well() -> None:
    stt = LiteralSTT()
    async with hearing(stt) as call:
        call.says("hello")
        stt.opened[0].end()
        await turns()
        await call.passes(0.1)
        call.recognition.finalize()
        await turns()
    assert call.finals == ["hello"]


async def test_what_was_finalised_is_not_heard_again() -> None:
    stt = LiteralSTT()
    async with hearing(stt) as call:
        call.says("one ")
        call.recognition.finalize()
        await turns()
        call.says("two ")
        stt.opened[0].endpoint()
        await turns()
        call.says("three")
        await call.lose(stt.opened[0])
        await call.passes(0.1)
        call.recognition.finalize()
        await turns()
    assert call.finals == ["one ", "two ", "three"]
    assert stt.opened[1].received == b"three"


async def test_a_final_that_is_due_is_asked_for_again() -> None:
    stt = LiteralSTT()
    async with hearing(stt) as call:
        stt.opened[0].hang()
        call.says("one ")
        call.recognition.finalize()
        call.says("two")
        await call.passes(5.0)
        await call.passes(0.1)
        assert call.finals == ["one "]
        call.recognition.finalize()
        await turns()
    assert call.finals == ["one ", "two"]
    assert "no final transcript within 5 s" in call.switches[0].error.message


async def test_a_sign_of_life_gives_a_slow_recogniser_more_time() -> None:
    stt = LiteralSTT()
    async with hearing(stt) as call:
        stt.opened[0].finalize = lambda: None  # type: ignore[method-assign]  # it takes its time
        call.recognition.finalize()
        await call.passes(4.9)
        stt.opened[0].interim()
        await turns()
        await call.passes(4.9)
        assert len(stt.opened) == 1
        await call.passes(0.1)
        await call.passes(0.1)
        assert len(stt.opened) == 2


async def test_a_silent_line_is_no_loss() -> None:
    stt = LiteralSTT()
    async with hearing(stt) as call:
        await call.passes(3600)
        assert call.clock.next_timer is None
    assert len(stt.opened) == 1


async def test_attempts_come_after_growing_pauses() -> None:
    stt = LiteralSTT(None, REFUSES, REFUSES, None)
    async with hearing(stt) as call:
        await call.lose(stt.opened[0])
        tried = []
        for seconds in (0.05, 0.05, 0.2, 0.2, 0.8, 0.8):
            await call.passes(seconds)
            tried.append(stt.tried - 1)
    assert tried == [0, 1, 1, 2, 2, 3]
    assert len(stt.opened) == 2


async def test_a_fallback_takes_over_when_the_attempts_are_used_up() -> None:
    primary, fallback = LiteralSTT(None, *[REFUSES] * 3, name="first"), LiteralSTT(name="second")
    async with hearing(primary, fallback) as call:
        call.says("hello")
        call.recognition.finalize()
        await call.lose(primary.opened[0])
        assert call.recognition.name == "first"
        call.recognition.finalize()
        for seconds in (0.1, 0.4, 1.6):
            await call.passes(seconds)
        assert call.recognition.name == "second"
    assert call.finals == ["hello", ""]
    assert [(switch.lost, switch.taken) for switch in call.switches] == [("first", "second")]


async def test_a_server_that_hangs_is_waited_for_once_when_there_is_another() -> None:
    primary, fallback = LiteralSTT(None, HANGS, HANGS, name="first"), LiteralSTT(name="second")
    async with hearing(primary, fallback) as call:
        await call.lose(primary.opened[0])
        await call.passes(0.1)
        await call.passes(2.0)
        assert len(fallback.opened) == 1
    assert "not ready within 2 s" in call.switches[0].error.message


async def test_all_lost_is_an_error_that_names_them() -> None:
    primary = LiteralSTT(None, *[REFUSES] * 2, name="first")
    fallback = LiteralSTT(*[Fault(message="No credit left.", retryable=False)] * 2, name="second")
    async with hearing(primary, fallback, attempts=2) as call:
        await call.lose(primary.opened[0])
        for _ in range(5):
            await call.passes(0.5)
        async with asyncio.timeout(30):
            with pytest.raises(ProviderError) as raised:
                await call.reading
    assert raised.value.message == "Nothing could recognise speech: The server is overloaded; No credit left."
    assert raised.value.provider == "first, second"
    assert raised.value.retryable


async def test_one_that_refuses_for_good_is_asked_once() -> None:
    first = LiteralSTT(None, Fault(message="The key was withdrawn.", retryable=False), name="first")
    second = LiteralSTT(name="second")
    async with hearing(first, second) as call:
        await call.lose(first.opened[0])
        await call.passes(5.0)
        assert (first.tried, len(second.opened)) == (2, 1)


async def test_the_only_one_is_lost_with_its_own_error() -> None:
    stt = LiteralSTT(None, Fault(message="The key was withdrawn.", retryable=False))
    async with hearing(stt) as call:
        await call.lose(stt.opened[0])
        await call.passes(5.0)
        async with asyncio.timeout(30):
            with pytest.raises(ProviderError, match=r"^The key was withdrawn\.$"):
                await call.reading


def test_a_recogniser_lasts_without_being_asked_to_and_no_more_than_once() -> None:
    clock = ManualClock()
    own = FallbackSTT(LiteralSTT(), LiteralSTT(), clock=clock)
    assert lasting(own, clock) is own
    assert isinstance(lasting(LiteralSTT(), clock), FallbackSTT)


async def test_the_only_one_may_take_seconds_to_open() -> None:
    """A model that is loaded on a busy machine; with another at hand it would have been passed over."""
    clock = ManualClock()
    opening = asyncio.create_task(lasting(LiteralSTT(HANGS), clock).open(HINTS))
    await turns()
    clock.advance(19.0)
    await turns()
    assert not opening.done()
    clock.advance(1.0)
    async with asyncio.timeout(30):
        with pytest.raises(ProviderError, match="not ready within 20 s"):
            await opening


async def test_the_only_one_may_take_seconds_to_answer() -> None:
    clock = ManualClock()
    stt = LiteralSTT()
    recognition = await lasting(stt, clock).open(HINTS)
    answer = asyncio.ensure_future(anext(recognition.transcripts()))
    await turns()
    stt.opened[0].hang()
    recognition.send(b"hello")
    recognition.finalize()
    await turns()
    clock.advance(14.0)
    await turns()
    assert len(stt.opened) == 1
    clock.advance(1.0)
    await turns()
    clock.advance(0.1)
    async with asyncio.timeout(30):
        assert (await answer).text == "hello"
    assert len(stt.opened) == 2
    await recognition.close()


async def test_one_that_dies_as_soon_as_it_is_open_is_given_up() -> None:
    stt = LiteralSTT()
    async with hearing(stt, attempts=3) as call:
        for _ in range(4):
            await call.lose(stt.opened[-1])
            await call.passes(2.0)
        async with asyncio.timeout(30):
            with pytest.raises(ProviderError):
                await call.reading
    assert len(stt.opened) == 4


@pytest.mark.parametrize("proof", ["time", "final"])
async def test_one_that_worked_in_between_is_reconnected_for_ever(proof: str) -> None:
    stt = LiteralSTT()
    async with hearing(stt, attempts=1) as call:
        for _ in range(10):
            if proof == "time":
                await call.passes(10.0)
            else:
                call.recognition.finalize()
                await turns()
            await call.lose(stt.opened[-1])
            await call.passes(0.1)
        assert not call.reading.done()
    assert len(stt.opened) == 11


async def test_only_so_much_audio_is_kept() -> None:
    stt = LiteralSTT()
    async with hearing(stt, buffer_s=0.1) as call:
        for _ in range(10):
            call.says("a" * 160)
        for _ in range(5):
            call.says("b" * 160)
        await call.lose(stt.opened[0])
        await call.passes(0.1)
    assert stt.opened[1].received == b"b" * 800


async def test_a_fallback_hears_its_own_format_in_pieces_that_it_takes() -> None:
    primary = LiteralSTT(None, REFUSES, name="first")
    fallback = LiteralSTT(name="second", audio_format=AudioFormat("pcm16", 16000), continuous=False)
    async with hearing(primary, fallback, attempts=1) as call:
        sizes: list[int] = []
        for _ in range(100):
            call.says("\xff" * 160)
        await call.lose(primary.opened[0])
        await call.passes(0.1)
        received = fallback.opened[0].received
        assert set(received) <= {0}
        assert len(received) == 100 * 640
        fallback.opened[0].send = lambda audio: sizes.append(len(audio))  # type: ignore[method-assign]  # a look
        call.says("\xff" * 160)
    assert sizes == [640]


async def test_a_call_begins_with_a_fallback_when_it_must() -> None:
    clock = ManualClock()
    primary, fallback = LiteralSTT(REFUSES, name="first"), LiteralSTT(name="second")
    stt = FallbackSTT(primary, fallback, clock=clock)
    for _ in range(2):
        recognition = await stt.open(HINTS)
        assert recognition.name == "second"
        await recognition.close()
    assert primary.tried == 1, "a provider that failed is passed over"
    clock.advance(30.0)
    recognition = await stt.open(HINTS)
    assert recognition.name == "first"
    await recognition.close()


async def test_a_call_without_any_recogniser_says_so() -> None:
    stt = FallbackSTT(LiteralSTT(REFUSES), LiteralSTT(REFUSES), clock=ManualClock())
    with pytest.raises(ProviderError, match="Nothing could recognise speech"):
        await stt.open(HINTS)


async def while_live(call: Hearing, stt: LiteralSTT) -> None:
    pass


async def while_waiting(call: Hearing, stt: LiteralSTT) -> None:
    await call.lose(stt.opened[0])


async def while_opening(call: Hearing, stt: LiteralSTT) -> None:
    stt.faults.add(HANGS)
    await call.lose(stt.opened[0])
    await call.passes(0.1)


async def while_hung(call: Hearing, stt: LiteralSTT) -> None:
    stt.opened[0].hang()
    call.recognition.finalize()


async def while_all_is_lost(call: Hearing, stt: LiteralSTT) -> None:
    stt.faults.add(REFUSES)
    await call.lose(stt.opened[0])
    await call.passes(0.1)
    assert isinstance(call.reading.exception(), ProviderError)


@pytest.mark.parametrize("moment", [while_live, while_waiting, while_opening, while_hung, while_all_is_lost])
async def test_close_ends_everything_at_any_moment(
    moment: Callable[[Hearing, LiteralSTT], Awaitable[None]],
) -> None:
    stt = LiteralSTT()
    async with hearing(stt, attempts=1) as call:
        await moment(call, stt)
        await call.recognition.close()
        await turns()
        assert call.reading.done()


async def test_the_reader_may_leave_in_the_middle_of_a_recovery() -> None:
    stt = LiteralSTT(None, HANGS)
    async with hearing(stt) as call:
        await call.lose(stt.opened[0])
        await call.passes(0.1)
        call.reading.cancel()


async def test_providers_are_closed_and_named_together() -> None:
    providers = LiteralSTT(name="first"), LiteralSTT(name="second")
    stt = FallbackSTT(*providers, clock=ManualClock())
    assert stt.name == "first, else second"
    assert (stt.format, stt.continuous) == (providers[0].format, True)
    await stt.close()
    assert all(provider.closed for provider in providers)


def test_numbers_and_formats_that_cannot_work_are_refused() -> None:
    with pytest.raises(ConfigurationError):
        FallbackSTT(LiteralSTT(), attempts=0)
    with pytest.raises(ConfigurationError):
        FallbackSTT(LiteralSTT(), buffer_s=0)
    with pytest.raises(ConfigurationError, match="11025"):
        FallbackSTT(LiteralSTT(), LiteralSTT(audio_format=AudioFormat("pcm16", 11025)))
