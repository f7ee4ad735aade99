"""A conversation that really hears: the voice activity model and the turn machine, on a clock of the audio's time.

Whatever is computed takes no time, so the figures are those of the rules, the same in every run and on every machine.
The recogniser understands all words that have been spoken to their end, at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence

import numpy as np
from noisy_lines import Sound, Word, samples, ulaw

from getpatter.agent import Agent
from getpatter.audio.format import FRAME_BYTES, FRAME_S, LINE, AudioFormat
from getpatter.audio.vad import SpeechModel, VoiceActivity
from getpatter.clock import Clock
from getpatter.conversation.ears import VoiceLine
from getpatter.stt.base import SpeechHints, Transcript
from getpatter.testing.clips import load_clip
from getpatter.testing.clock import ManualClock
from getpatter.testing.load import SPEECH
from getpatter.testing.stage import Stage
from getpatter.tts.base import SpeechChunk

SECONDS_A_WORD = 0.4
TURNS_OF_THE_LOOP = 8
"""After each frame: enough for what one decision sets off."""


class AllWords:
    """A recogniser, and its recognition, that is told who says what and when."""

    name = "all words"
    format: AudioFormat = LINE
    continuous = True

    def __init__(self, clock: Clock, words: Sequence[Word]) -> None:
        """Words by the clock's time."""
        self._clock = clock
        self._words = list(words)
        self._finals: asyncio.Queue[Transcript | None] = asyncio.Queue()

    def tell(self, word: Word) -> None:
        """Another one will be spoken."""
        self._words.append(word)

    async def open(self, hints: SpeechHints) -> AllWords:
        return self

    def send(self, audio: bytes) -> None:
        pass

    def finalize(self) -> None:
        now = self._clock.now()
        spoken = [word for word in self._words if word.end_s <= now]
        self._words = [word for word in self._words if word.end_s > now]
        text = " ".join(word.text for word in spoken)
        self._finals.put_nowait(Transcript(text, final=True, from_finalize=True))

    async def transcripts(self) -> AsyncIterator[Transcript]:
        while (transcript := await self._finals.get()) is not None:
            yield transcript

    async def close(self) -> None:
        self._finals.put_nowait(None)


class ClipVoice:
    """A voice, and who opens it, that sounds like speech: rendered sentences, one after the other, whatever it says."""

    name = "clips"
    format: AudioFormat = LINE

    def __init__(self) -> None:
        self._sound = b"".join(clip for voice, text in SPEECH if (clip := load_clip(voice, text)))
        self._at = 0

    async def open(self, language: str = "en-US") -> ClipVoice:
        return self

    async def synthesize(self, text: str) -> AsyncGenerator[SpeechChunk]:
        for _ in range(round(len(text.split()) * SECONDS_A_WORD / 0.1)):
            sound = (self._sound + self._sound)[self._at : self._at + LINE.rate // 10]
            self._at = (self._at + LINE.rate // 10) % len(self._sound)
            yield SpeechChunk(sound)

    async def close(self) -> None:
        pass


class SpeakerPhone:
    """Brings the agent's sound back, and its words to the recogniser.

    The agent says `words`, each as long as `ClipVoice` makes it; after a pause it begins with the word it was in.
    """

    def __init__(self, words: Sequence[str], recogniser: AllWords, gain_db: float, delay_s: float) -> None:
        """It comes back `delay_s` after it was heard, `gain_db` louder."""
        self._words = words
        self._recogniser = recogniser
        self._gain = 10 ** (gain_db / 20)
        self._delay_s = delay_s
        self._sound: Sound = np.zeros(0)
        """By the clock's time."""
        self._said_s = 0.0

    def play(self, audio: bytes, plays_at: float) -> None:
        at = round((plays_at + self._delay_s) * LINE.rate)
        quiet = np.zeros(max(0, at - len(self._sound)))
        self._sound = np.concatenate((self._sound[:at], quiet, samples(audio) * self._gain))
        said, self._said_s = self._said_s, self._said_s + len(audio) / LINE.bytes_per_second
        for number in range(int(said / SECONDS_A_WORD), int(self._said_s / SECONDS_A_WORD)):
            end_s = plays_at + self._delay_s + (number + 1) * SECONDS_A_WORD - said
            if number < len(self._words):
                self._recogniser.tell(Word(self._words[number], end_s - SECONDS_A_WORD, end_s))

    def clear(self, now: float) -> None:
        self._sound = self._sound[: round((now + self._delay_s) * LINE.rate)]
        self._said_s -= self._said_s % SECONDS_A_WORD

    def at(self, now: float, size: int) -> Sound:
        """What comes back in the next `size` samples."""
        start = round(now * LINE.rate)
        echo = self._sound[start : start + size]
        return np.append(echo, np.zeros(size - len(echo)))


class HeardCall(Stage):
    """Hears what it is given, and on a speaker-phone itself."""

    def __init__(
        self, agent: Agent, clock: ManualClock, model: SpeechModel, speaker_phone: SpeakerPhone | None = None
    ) -> None:
        self._activity = VoiceActivity(model)
        self._speaker_phone = speaker_phone
        self.cleared: list[float] = []
        super().__init__(agent, clock=clock)

    def open(self, on_probability: Callable[[float], None]) -> VoiceLine:
        return self._activity.open(on_probability)

    def play(self, audio: bytes, plays_at: float) -> None:
        super().play(audio, plays_at)
        if self._speaker_phone is not None:
            self._speaker_phone.play(audio, plays_at)

    def clear(self) -> None:
        super().clear()
        self.cleared.append(self.clock.now())
        if self._speaker_phone is not None:
            self._speaker_phone.clear(self.clock.now())

    async def hears(self, line: Sound) -> None:
        """All of this, frame by frame, from now on."""
        for start in range(0, len(line), FRAME_BYTES):
            frame = line[start : start + FRAME_BYTES]
            if self._speaker_phone is not None:
                frame = frame + self._speaker_phone.at(self.clock.now(), len(frame))
            self.clock.advance(FRAME_S)
            self.talk.hear(ulaw(frame))
            while (batch := self._activity.collect()) is not None:
                self._activity.deliver(batch, self._activity.run(batch))
            for _ in range(TURNS_OF_THE_LOOP):
                await asyncio.sleep(0)

    async def ends(self) -> None:
        cleared = list(self.cleared)
        await self.talk.close()
        self.cleared = cleared  # by what was heard, and not by the end
        self.pacer.close()
