"""A recogniser that outlives its connection: reconnected when it is lost in mid-call, else taken over by another.

What the new recognition must hear again is in `stt.rewind`; here are the connections.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from getpatter.audio.format import AudioFormat
from getpatter.audio.transcode import Transcoder
from getpatter.clock import Clock, Patience, SystemClock, deadline, sleep
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.failover import Closing, OnSwitch, ReportsSwitches, Roster, Seat, Standing, Switch, all_failed, report
from getpatter.metering import Used, totals, used_by
from getpatter.stt.base import Recognition, SpeechHints, SpeechToText, Transcript
from getpatter.stt.rewind import RewindBuffer

BACKOFF_S = 0.1
BACKOFF_FACTOR = 4
"""Attempts to reconnect come after 0.1, 0.4, 1.6 s ..."""
SETTLED_S = 10.0
"""A recognition that lived this long, or gave a final transcript, works: its loss is a new one.  An earlier loss
counts as a failed attempt, or one that dies as soon as it is open would be opened for ever."""
ALONE_OPEN_S = 20.0
ALONE_ANSWER_S = 15.0
"""Where there is nobody to turn to, a slow recogniser is better than none: a model that starts on a busy machine takes
seconds, and giving it up only makes it start again.  As long as a call waits for its providers at the beginning."""
REPLAY_S = 0.5
"""Longest piece of audio that is sent again at once; some recognisers refuse pieces of more than a second."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a call waits for a recogniser, in seconds, and how often it tries."""

    attempts: int
    buffer_s: float
    open_s: float
    answer_s: float


Plan = Iterator[tuple[Seat[SpeechToText], float]]
"""Whom to open, and after how many seconds."""


class FallbackSTT(Standing[SpeechToText]):
    """`primary`, and the `fallbacks` in the order of preference for when it is lost.

    Its format and its appetite for silence are the primary's.  A fallback gets audio in its own format, but the same
    runs of it: with a continuous primary one that is not hears silence as well, which costs time and nothing else.
    """

    def __init__(
        self,
        primary: SpeechToText,
        *fallbacks: SpeechToText,
        attempts: int = 3,
        buffer_s: float = 6.0,
        open_s: float = 2.0,
        answer_s: float = 5.0,
        clock: Clock | None = None,
    ) -> None:
        """`attempts` are made at each provider to be connected, each for at most `open_s`.

        Up to `buffer_s` of audio without a final transcript is heard again by who takes over.  A recognition that is
        silent for `answer_s` while a final transcript is due counts as lost.

        Raises `ConfigurationError` for numbers that cannot work and for a fallback whose format cannot be had.
        """
        if attempts < 1 or min(buffer_s, open_s, answer_s) <= 0:
            raise ConfigurationError(
                "A recogniser needs at least one attempt, and more than 0 s for each of its waits."
            )
        for fallback in fallbacks:
            Transcoder(primary.format, fallback.format)
        self._clock = clock or SystemClock()
        self._limits = Limits(attempts, buffer_s, open_s, answer_s)
        super().__init__(Roster((primary, *fallbacks), self._clock))

    @property
    def format(self) -> AudioFormat:
        return self._roster.first.format

    @property
    def continuous(self) -> bool:
        return self._roster.first.continuous

    async def open(self, hints: SpeechHints) -> FallbackRecognition:
        """The first provider that opens, each tried once; raises `ProviderError` when none does."""
        recognition = FallbackRecognition(self._roster, hints, self._limits, self._clock, self._on_switch)
        await recognition.begin()
        return recognition


def lasting(stt: SpeechToText, clock: Clock) -> SpeechToText:
    """`stt`, made to outlive its connection where it does not do so by itself."""
    if isinstance(stt, ReportsSwitches):
        return stt
    return FallbackSTT(stt, open_s=ALONE_OPEN_S, answer_s=ALONE_ANSWER_S, clock=clock)


class _Live:
    """An open recognition, and what leads to it."""

    def __init__(self, seat: Seat[SpeechToText], recognition: Recognition, source: AudioFormat, now: float) -> None:
        self.seat = seat
        self.recognition = recognition
        self.opened_at = now
        self.gave_final = False
        self._source = source
        self._sent_bytes = 0
        target = seat.provider.format
        self._transcoder = None if source == target else Transcoder(source, target)

    def send(self, audio: bytes) -> None:
        self._sent_bytes += len(audio)
        self.recognition.send(audio if self._transcoder is None else self._transcoder.feed(audio))

    def replay(self, entries: Iterator[bytes | None], piece: int) -> None:
        """Send runs of audio in pieces of so many bytes, and ask for a final transcript where they say None."""
        for entry in entries:
            if entry is None:
                self.recognition.finalize()
                continue
            for at in range(0, len(entry), piece):
                self.send(entry[at : at + piece])

    def after(self, transcript: Transcript) -> int:
        """How many bytes of what was sent came after the last of its words: some vendors give final words seconds
        late.  0 where they tell no times."""
        end_s = max((word.end_s for word in transcript.words), default=0.0)
        return max(0, self._sent_bytes - int(end_s * self._source.bytes_per_second)) if end_s > 0.0 else 0

    def settled(self, now: float) -> bool:
        return self.gave_final or now - self.opened_at >= SETTLED_S


class FallbackRecognition:
    """One call's speech, by whichever provider is there.  Recovery is a part of reading `transcripts`."""

    def __init__(
        self,
        roster: Roster[SpeechToText],
        hints: SpeechHints,
        limits: Limits,
        clock: Clock,
        on_switch: OnSwitch | None,
    ) -> None:
        self._roster = roster
        self._hints = hints
        self._limits = limits
        self._clock = clock
        self._on_switch = on_switch
        self._format = roster.first.format
        self._rewind = RewindBuffer(int(limits.buffer_s * self._format.bytes_per_second))
        self._patience = Patience(clock)
        self._closing = Closing(clock)
        self._live: _Live | None = None
        self._opened: list[Recognition] = []
        """All of them, also those that were lost."""
        self._name = roster.name
        self._plan: Plan = ((seat, 0.0) for seat in roster.order())
        self._errors: dict[Seat[SpeechToText], ProviderError] = {}
        """The last one of each provider that failed since all was well."""
        self._lost: Seat[SpeechToText] | None = None
        self._opening: asyncio.Task[ProviderError | None] | None = None
        self._closed = False

    @property
    def name(self) -> str:
        return self._name

    @property
    def used(self) -> tuple[Used, ...]:
        """What all of its recognitions have used."""
        return totals(used for recognition in self._opened for used in used_by(recognition))

    async def begin(self) -> None:
        """Open the first that can be; raises `ProviderError`."""
        if (error := await self._open_next()) is not None:
            raise error
        assert self._live is not None
        self._plan = self._recovery(self._live.seat)

    def send(self, audio: bytes) -> None:
        self._rewind.add(audio)
        if self._live is not None:
            self._live.send(audio)

    def finalize(self) -> None:
        self._rewind.request()
        if self._live is not None:
            self._live.recognition.finalize()
            if self._rewind.pending == 1:
                self._expect_answer()

    async def transcripts(self) -> AsyncIterator[Transcript]:
        """See `Recognition.transcripts`.  Raises `ProviderError`, which names them all, when every provider is lost."""
        while (live := self._live) is not None and not self._closed:
            stream = live.recognition.transcripts()
            try:
                while (transcript := await self._next(live, stream)) is not None:
                    yield transcript
                lost = ProviderError(f"{live.seat.name} stopped.", provider=live.seat.name, retryable=True)
            except ProviderError as error:
                lost = error
            if not self._closed:
                await self._recover(live, lost)

    async def close(self) -> None:
        self._closed = True
        self._patience.give_up()
        self._patience.close()
        live, self._live = self._live, None
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait({self._opening})
        if live is not None:
            await live.recognition.close()
        await self._closing.finish()

    # -- reading

    async def _next(self, live: _Live, stream: AsyncIterator[Transcript]) -> Transcript | None:
        """The next transcript, with its account in the rewind buffer; None at the end of the stream."""
        try:
            transcript = await self._patience.wait(anext(stream, None))
        except TimeoutError:
            silent = f"{live.seat.name} gave no final transcript within {self._limits.answer_s:g} s."
            raise ProviderError(silent, provider=live.seat.name, retryable=True) from None
        if transcript is None:
            return None
        if transcript.final:
            self._note_final(live, transcript)
        self._expect_answer()
        return transcript

    def _note_final(self, live: _Live, transcript: Transcript) -> None:
        live.gave_final = True
        if transcript.from_finalize:
            self._rewind.answered()
        else:
            self._rewind.finalized(live.after(transcript))

    def _expect_answer(self) -> None:
        """A sign of life came, or the first request: from now on it has `answer_s` for the next."""
        self._patience.until(self._clock.now() + self._limits.answer_s if self._rewind.pending else None)

    # -- recovery

    async def _recover(self, live: _Live, lost: ProviderError) -> None:
        """Have a live recognition again, unless `close` came first; raises `ProviderError` when all are lost."""
        self._live = None
        self._patience.until(None)
        self._closing.begin(live.recognition)
        settled = live.settled(self._clock.now())
        if settled or not lost.retryable:
            self._plan = self._recovery(live.seat, again=lost.retryable)
            self._errors.clear()
        if not (settled and lost.retryable):
            live.seat.failed()
        self._note_loss(live.seat, lost)
        self._opening = asyncio.create_task(self._open_next())
        try:
            await asyncio.wait({self._opening})
        finally:
            self._opening.cancel()
        if not self._closed and (error := self._opening.result()) is not None:
            raise error

    def _recovery(self, seat: Seat[SpeechToText], *, again: bool = True) -> Plan:
        """The one that was lost, if it may be tried `again`, then each other."""
        attempts = range(self._limits.attempts)
        if again:
            yield from ((seat, BACKOFF_S * BACKOFF_FACTOR**attempt) for attempt in attempts)
        for other in self._roster.order():
            if other is not seat:
                yield other, 0.0
                yield from ((other, BACKOFF_S * BACKOFF_FACTOR**attempt) for attempt in attempts[:-1])

    async def _open_next(self) -> ProviderError | None:
        """Carry out the plan up to the next provider that opens; the error when none is left."""
        hung: Seat[SpeechToText] | None = None
        refused: Seat[SpeechToText] | None = None
        for seat, delay_s in self._plan:
            if seat is refused or (seat is hung and len(self._roster) > 1):
                continue  # a server that does not answer is worth one wait, while there is another
            if delay_s:
                await sleep(self._clock, delay_s)
            try:
                async with deadline(self._clock, self._clock.now() + self._limits.open_s):
                    recognition = await seat.provider.open(self._hints)
            except ProviderError as error:
                self._note_loss(seat, error)
                seat.failed()
                refused = refused if error.retryable else seat
            except TimeoutError:
                late = f"{seat.name} was not ready within {self._limits.open_s:g} s."
                self._note_loss(seat, ProviderError(late, provider=seat.name, retryable=True))
                seat.failed()
                hung = seat
            else:
                self._adopt(seat, recognition)
                return None
        errors = list(self._errors.values())
        return errors[0] if len(self._roster) == 1 else all_failed("recognise speech", errors)

    def _note_loss(self, seat: Seat[SpeechToText], error: ProviderError) -> None:
        self._errors[seat] = error
        self._lost = seat

    def _adopt(self, seat: Seat[SpeechToText], recognition: Recognition) -> None:
        """Let it hear what nobody has answered, and all that comes."""
        self._opened.append(recognition)
        if self._closed:
            self._closing.begin(recognition)
            return
        seat.worked()
        live = _Live(seat, recognition, self._format, self._clock.now())
        live.replay(self._rewind.replay(), int(REPLAY_S * self._format.bytes_per_second))
        self._live = live
        self._name = recognition.name
        self._expect_answer()
        if self._lost is not None:
            report(self._on_switch, Switch(self._lost.name, seat.name, self._errors[self._lost]))
