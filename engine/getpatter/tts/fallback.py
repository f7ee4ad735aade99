"""A voice that stands on several: when one fails, the next goes on, in the middle of a sentence if need be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from getpatter.audio.format import AudioFormat
from getpatter.audio.transcode import Transcoder
from getpatter.clock import Clock, Patience, SystemClock
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.failover import RETRY_AFTER_S, Closing, OnSwitch, Roster, Seat, Standing, Switch, all_failed, report
from getpatter.metering import Used, totals, used_by
from getpatter.tts.base import SpeechChunk, TextToSpeech, Voice
from getpatter.tts.progress import SentenceProgress

FIRST_AUDIO_S = 2.5
"""Longest wait for a voice's next audio while there is another to speak.  A judgement: voices on the net give their
first audio within half a second."""
SILENCE_S = 9.0
"""Longest wait for the next audio of all voices together, most of it for the last one: late speech is better than none.
Whoever speaks gives a voice up after 10 s."""


class FallbackTTS(Standing[TextToSpeech]):
    """`primary`, and the `fallbacks` in the order of preference for when it fails.

    Its format is the primary's; what a fallback speaks is converted.  A voice fails by a `ProviderError`, and by giving
    no audio for `first_audio_s`, at a sentence's beginning or in the middle.  The next one then says the sentence, or
    what is left of it: see `tts.progress`.  The one that failed is passed over for `retry_after_s`, then one sentence
    probes it.  Fallbacks are opened when they are first needed.
    """

    def __init__(
        self,
        primary: TextToSpeech,
        *fallbacks: TextToSpeech,
        first_audio_s: float = FIRST_AUDIO_S,
        retry_after_s: float = RETRY_AFTER_S,
        clock: Clock | None = None,
    ) -> None:
        """`first_audio_s` is shorter where so many voices would otherwise take more than `SILENCE_S` to fail.

        Raises `ConfigurationError` for a wait that cannot work and for a fallback whose format cannot be had.
        """
        if first_audio_s <= 0:
            raise ConfigurationError("A voice needs more than 0 s for its first audio.")
        for fallback in fallbacks:
            Transcoder(fallback.format, primary.format)
        self._first_audio_s = first_audio_s
        self._clock = clock or SystemClock()
        super().__init__(Roster((primary, *fallbacks), self._clock, retry_after_s=retry_after_s))

    @property
    def format(self) -> AudioFormat:
        return self._roster.first.format

    async def open(self, language: str = "en-US") -> FallbackVoice:
        """The first provider that opens; raises `ProviderError` when none does."""
        voice = FallbackVoice(self._roster, language, self._first_audio_s, self._clock, self._on_switch)
        await voice.begin()
        return voice


class FallbackVoice:
    """One call's voice, by whichever provider is there."""

    def __init__(
        self,
        roster: Roster[TextToSpeech],
        language: str,
        first_audio_s: float,
        clock: Clock,
        on_switch: OnSwitch | None,
    ) -> None:
        self._roster = roster
        self._language = language
        self._first_audio_s = first_audio_s
        self._clock = clock
        self._on_switch = on_switch
        self._format = roster.first.format
        self._voices: dict[Seat[TextToSpeech], Voice] = {}
        self._opened: list[Voice] = []
        """All of them, also those that were lost."""
        self._opening = asyncio.Lock()
        self._closing = Closing(clock)
        self._closed = False

    async def begin(self) -> None:
        """Open the first that can be; raises `ProviderError`."""
        errors: list[ProviderError] = []
        lost = ""
        for asked, seat in enumerate(self._roster.order(), 1):
            patience = Patience(self._clock)
            try:
                patience.until(self._clock.now() + self._wait_s(asked))
                await patience.wait(self._voice(seat))
            except ProviderError as error:
                errors.append(error)
            except TimeoutError:
                errors.append(self._silent(seat, self._wait_s(asked)))
            else:
                if errors:
                    report(self._on_switch, Switch(lost, seat.name, errors[-1]))
                seat.worked()
                return
            finally:
                patience.close()
            seat.failed()
            lost = seat.name
        raise all_failed("speak", errors)

    @property
    def used(self) -> tuple[Used, ...]:
        """What all of its voices have used."""
        return totals(used for voice in self._opened for used in used_by(voice))

    async def synthesize(self, text: str) -> AsyncGenerator[SpeechChunk]:
        """See `Voice.synthesize`.  Raises `ProviderError`, which names them all, when no voice could say it to its
        end."""
        errors: list[ProviderError] = []
        lost = ""
        progress = SentenceProgress(text, self._format.bytes_per_second)
        for asked, seat in enumerate(self._roster.order(), 1):
            if errors:
                if not progress.rest:
                    return  # it failed to say that it had finished
                report(self._on_switch, Switch(lost, seat.name, errors[-1]))
            lost = seat.name
            try:
                async with aclosing(self._speak(seat, progress.rest, self._wait_s(asked))) as chunks:
                    async for chunk in chunks:
                        yield progress.take(chunk)
            except ProviderError as error:
                if self._closed:
                    raise
                self._fail(seat)
                errors.append(error)
                progress.break_off()
            else:
                seat.worked()
                return
        if progress.rest:
            raise all_failed("speak", errors)

    async def close(self) -> None:
        self._closed = True
        voices = list(self._voices.values())
        self._voices.clear()
        for voice in voices:
            await voice.close()
        await self._closing.finish()

    async def _speak(self, seat: Seat[TextToSpeech], text: str, wait_s: float) -> AsyncGenerator[SpeechChunk]:
        """`text` by one provider, in our format; no wait for audio is over `wait_s`, the first with its opening."""
        source = seat.provider.format
        transcoder = None if source == self._format else Transcoder(source, self._format)
        patience = Patience(self._clock)
        patience.until(self._clock.now() + wait_s)
        try:
            voice = await patience.wait(self._voice(seat))
            async with aclosing(voice.synthesize(text)) as chunks:
                while (chunk := await patience.wait(anext(chunks, None))) is not None:
                    if chunk.audio:
                        seat.worked()  # known already now: who listens may break off at any word
                    yield chunk if transcoder is None else SpeechChunk(transcoder.feed(chunk.audio), chunk.words)
                    patience.until(self._clock.now() + wait_s)
            if transcoder is not None and (tail := transcoder.flush()):
                yield SpeechChunk(tail)
        except TimeoutError:
            raise self._silent(seat, wait_s) from None
        finally:
            patience.close()

    async def _voice(self, seat: Seat[TextToSpeech]) -> Voice:
        """Its open voice, opened where there is none."""
        async with self._opening:
            if self._closed:
                raise ProviderError("This voice is closed.", provider=seat.name)
            if (voice := self._voices.get(seat)) is None:
                voice = self._voices[seat] = await seat.provider.open(self._language)
                self._opened.append(voice)
            return voice

    def _fail(self, seat: Seat[TextToSpeech]) -> None:
        """Pass it over, and have a new connection when it is probed."""
        seat.failed()
        if (voice := self._voices.pop(seat, None)) is not None:
            self._closing.begin(voice)

    def _wait_s(self, asked: int) -> float:
        voices = len(self._roster)
        each = min(self._first_audio_s, SILENCE_S / voices)
        return each if asked < voices else SILENCE_S - (voices - 1) * each

    def _silent(self, seat: Seat[TextToSpeech], wait_s: float) -> ProviderError:
        return ProviderError(f"{seat.name} gave no audio for {wait_s:g} s.", provider=seat.name, retryable=True)
