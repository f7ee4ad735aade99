"""The conversation's hearing: from line audio to voices, words, and judgements on whether the caller has finished."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

from getpatter.agent import Agent
from getpatter.audio.activity import SpeechDetector
from getpatter.audio.filters.chain import open_chain
from getpatter.audio.format import LINE
from getpatter.clock import Clock, deadline
from getpatter.conversation.caller_audio import CallerAudio
from getpatter.conversation.ears import Ears, Listener
from getpatter.conversation.hooked import HookedRecognition
from getpatter.conversation.log import ConversationLog
from getpatter.conversation.mind import Mind
from getpatter.conversation.reference import ReferenceLine
from getpatter.conversation.self_hearing import SelfHearing
from getpatter.conversation.speaker import Line, Speaker
from getpatter.conversation.timing import Timing
from getpatter.errors import ExtensionError, PatterError, ProviderError
from getpatter.hooks import HookRunner
from getpatter.stt.base import Recognition, Transcript

log = logging.getLogger(__name__)

EARLY_BYTES = 2 * LINE.bytes_per_second
"""What a caller says while recogniser and voice are still being opened is kept, the latest of it up to this much."""

LAST_WORDS_S = 1.0
"""Longest wait for the words that were said just before the line went dead."""


class Understanding(Protocol):
    """Told what was heard, at monotonic seconds."""

    def voice_began(self, now: float) -> None: ...

    def voice_ended(self, now: float, silence_s: float) -> None: ...

    def understood(self, transcript: Transcript, now: float) -> None:
        """A transcript, without the words that were the agent's own."""

    def judged(self, complete: bool | None, now: float) -> None:
        """Whether the caller has finished; None when nobody can say."""

    def deaf(self, error: PatterError) -> None:
        """The recogniser is lost."""

    def engine_speaks(self) -> None:
        """An engine begins to say something that nobody asked for."""

    def engine_stopped(self) -> None:
        """An engine heard the caller over what it said, and goes on with nothing of it."""

    def engine_hung_up(self, reason: str) -> None:
        """An engine has ended the conversation: its agent, or what `reason` says."""


class Hearing:
    """One call's: `prepare` while it rings, `hear` at any time, `start` when there is a speaker, `close`."""

    def __init__(
        self,
        call_id: str,
        agent: Agent,
        listener: Listener,
        clock: Clock,
        log: ConversationLog,
        understanding: Understanding,
    ) -> None:
        self._call_id = call_id
        self._agent = agent
        self._listener = listener
        self._clock = clock
        self._log = log
        self._understanding = understanding
        self._early = bytearray()
        self.hear: Callable[[bytes], None] = self._hear_early
        """Takes a run of line audio from the far end.  Put together once: it is called fifty times a second."""
        self._filters = open_chain(agent.audio_filters, self._filter_failed)
        self._caller_audio = CallerAudio() if agent.turn_detector is not None else None
        self._recognition: Recognition
        """Once prepared."""
        self._hooked: HookedRecognition | None = None
        self._ears: Ears | None = None
        self._self_hearing: SelfHearing | None = None
        self._timing = Timing()
        self._tasks: set[asyncio.Task[None]] = set()
        self._judging: asyncio.Task[None] | None = None
        self._final_came = asyncio.Event()
        self.echoed = False
        """What was understood last was the agent itself, come back from a speaker-phone."""

    # -- life

    async def prepare_detector(self) -> None:
        """Load what judges turns, where there is something."""
        if self._agent.turn_detector is not None:
            await self._agent.turn_detector.prepare()

    def attach(self, mind: Mind, hooks: HookRunner) -> None:
        """The recogniser is open."""
        self._mind = mind
        self._recognition = mind.recognition
        if hooks.hooks.before_send_to_stt is not None:
            self._hooked = HookedRecognition(mind.recognition, mind.hears_as.format, hooks)
            self._recognition = self._hooked

    @property
    def recogniser(self) -> str:
        """What recognises the caller's speech, once attached."""
        return self._recognition.name

    def line(self, line: Line) -> Line:
        """The line as the speaker is to use it, so that the caller's filters know what the agent plays."""
        return ReferenceLine(line, self._filters) if self._filters is not None else line

    def start(self, speaker: Speaker, *, from_early: bool) -> None:
        """Listen from now on; with `from_early` to what came before, too."""
        settings = self._agent.turns
        if settings.while_speaking.echo_guard:
            self._self_hearing = SelfHearing(speaker, self._clock)
        self._ears = ears = Ears(
            self._listener,
            SpeechDetector(start_s=settings.vad_start_s, stop_s=settings.vad_stop_s),
            on_started=self._voice_began,
            on_ended=self._voice_ended,
        )
        ears.attach(self._recognition, self._mind.hears_as)
        self.hear = self._hearers(ears)
        if from_early:
            self.hear(bytes(self._early))
        self._early.clear()
        self._spawn(self._transcribe(), "transcripts")

    async def close(self) -> None:
        if self._ears is not None:
            self._ears.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._filters is not None:
            self._filters.close()
        if self._hooked is not None:
            await self._hooked.close()

    # -- what is asked of it

    def finalize(self) -> None:
        """Ask for the final transcript of what was said so far."""
        self._recognition.finalize()

    async def last_words(self, *, asked: bool) -> None:
        """Wait, but not for long, for what was being said when the line went dead; `asked` when it is due already."""
        self._final_came.clear()
        if not asked:
            self.finalize()
        with suppress(TimeoutError):
            async with deadline(self._clock, self._clock.now() + LAST_WORDS_S):
                await self._final_came.wait()

    def judge(self) -> None:
        """Ask whether the caller has finished."""
        self._stop_judging()
        self._judging = self._spawn(self._judge(), "turn detection")

    def _stop_judging(self) -> None:
        """A judgement on a pause that is over would be taken for one on the next."""
        if self._judging is not None:
            self._judging.cancel()
            self._judging = None

    def forget_voice(self) -> None:
        """What is heard from now on is judged afresh."""
        assert self._ears is not None
        self._ears.reset()

    def end_turn(self) -> Timing:
        """The caller's turn is over: its times."""
        timing, self._timing = self._timing, Timing()
        timing.committed = self._clock.now()
        if timing.final is None:
            timing.final = timing.committed
        self.forget_voice()
        if self._caller_audio is not None:
            self._caller_audio.clear()
        return timing

    def tap(self, listener: Callable[[bytes], None]) -> Callable[[], None]:
        """Let `listener` take the line's audio, too, until what this gives is called."""
        hear = self.hear

        def both(audio: bytes) -> None:
            hear(audio)
            listener(audio)

        def untap() -> None:
            if self.hear is both:
                self.hear = hear

        self.hear = both
        return untap

    def remember_agent(self) -> None:
        """Note what the agent says, before it is paused or over."""
        if self._self_hearing is not None:
            self._self_hearing.remember()

    # -- audio

    def _hear_early(self, audio: bytes) -> None:
        self._early += audio
        del self._early[:-EARLY_BYTES]

    def _hearers(self, ears: Ears) -> Callable[[bytes], None]:
        keep, filters = self._caller_audio, self._filters

        def kept(audio: bytes) -> None:
            assert keep is not None
            keep.append(audio)
            ears.hear(audio)

        hear = kept if keep is not None else ears.hear
        if filters is None:
            return hear
        return lambda audio: hear(filters.process(audio))

    def _filter_failed(self, name: str, error: Exception) -> None:
        self._log.problem(ExtensionError(f"The filter {name} failed and was left out: {type(error).__name__}."))

    # -- voices

    def _voice_began(self) -> None:
        self._log.speech_started()
        now = self._clock.now()
        self._stop_judging()
        if self._timing.speech_began is None:
            self._timing.speech_began = now
        self._understanding.voice_began(now)

    def _voice_ended(self, silence_s: float) -> None:
        now = self._clock.now()
        self._timing.vad_stopped, self._timing.last_speech, self._timing.final = now, now - silence_s, None
        self._log.speech_ended(silence_s)
        self._understanding.voice_ended(now, silence_s)

    # -- words

    async def _transcribe(self) -> None:
        try:
            async for transcript in self._recognition.transcripts():
                self._understood(transcript)
            self._understanding.deaf(ProviderError("The recogniser stopped."))
        except ProviderError as error:
            self._understanding.deaf(error)
        except Exception as error:  # a recogniser's or our own fault ends this call, not the process
            log.exception("call %s: the recognition failed", self._call_id)
            self._understanding.deaf(PatterError(f"The recognition failed: {type(error).__name__}."))

    def _understood(self, transcript: Transcript) -> None:
        now = self._clock.now()
        self.echoed = self._is_own(transcript, now)
        if not transcript.final:
            if transcript.text and not self.echoed:
                self._log.interim(transcript.text)
                self._understanding.understood(transcript, now)
            return
        if self._timing.vad_stopped is not None and transcript.from_finalize:
            self._timing.final = now
        self._understanding.understood(replace(transcript, text="") if self.echoed else transcript, now)
        self._final_came.set()

    def _is_own(self, transcript: Transcript, now: float) -> bool:
        if self._self_hearing is None or not transcript.text:
            return False
        began = self._timing.speech_began
        return self._self_hearing.is_own(transcript, now if began is None else began)

    # -- judgements

    async def _judge(self) -> None:
        detector, audio = self._agent.turn_detector, self._caller_audio
        assert detector is not None
        assert audio is not None
        try:
            probability = await detector.judge(audio.latest(), call_id=self._call_id)
        except ProviderError as error:
            self._log.problem(error)
            probability = None
        except Exception as error:  # a detector's fault must not keep the caller waiting
            log.exception("call %s: the turn detector failed", self._call_id)
            self._log.problem(ExtensionError(f"The turn detector failed: {type(error).__name__}."))
            probability = None
        complete = None if probability is None else probability >= detector.threshold
        self._understanding.judged(complete, self._clock.now())

    def _spawn(self, work: Coroutine[None, None, None], what: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=f"{self._call_id} {what}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
