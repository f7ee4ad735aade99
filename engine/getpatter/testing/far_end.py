"""The far end of a simulated call: what a telephone and whoever holds it do, without I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import count, cycle
from typing import Protocol

from getpatter.audio.activity import SpeechDetector
from getpatter.audio.dtmf import DtmfDetector
from getpatter.audio.format import FRAME_BYTES, FRAME_S
from getpatter.errors import MediaError
from getpatter.testing.line_codec import Clear, LineCodec, Mark, Play
from getpatter.testing.parties import Beep, Party, WaitForDigits, walk
from getpatter.testing.playout import PlayoutBuffer
from getpatter.testing.script import Action, Disconnect, PartyScript, PressKey, Sound, SoundBeep, Speak
from getpatter.testing.speech import Utterances, line_noise

KEPT_S = 600.0
"""How much of either side is kept for those who want to listen to it afterwards."""
KEPT_FAULTS = 20
AGENT_START_S = 0.064
AGENT_STOP_S = 0.256
"""Silence after which the agent's speech counts as over; a step's `quiet_s` runs from where it began."""


_ANNOUNCEMENT = "\0announcement "
"""Begins marks of our own, as no engine's are likely to."""


class AgentVoice(Protocol):
    """One line of `VoiceActivity`."""

    def feed(self, ulaw: bytes) -> None: ...

    def reset(self) -> None: ...

    def close(self) -> None: ...


class Listener(Protocol):
    """Voice activity detection, e.g. `conversation.listening.Listening`."""

    def open(self, on_probability: Callable[[float], None]) -> AgentVoice: ...


class FarEnd:
    """One party in one call: messages and time in, messages out.

    `open` comes first, `receive` takes each message of the engine, `tick` is called every 20 ms.  The party hears what
    its playout buffer plays, not what arrived, and speaks when its script says so.  While no stream is attached to it
    there are no messages.
    """

    def __init__(self, party: Party, utterances: Utterances, codec: LineCodec | None, listener: Listener) -> None:
        self.party = party
        self.playout = PlayoutBuffer()
        self._utterances = utterances
        self._codec = codec
        self._script = PartyScript(party.steps)
        self._voice = listener.open(self._on_probability)
        self._detector = SpeechDetector(AGENT_START_S, AGENT_STOP_S)
        wants_keys = any(isinstance(step, WaitForDigits) for step in walk(party.steps))
        self._keys = DtmfDetector() if wants_keys else None
        self._noise = cycle(line_noise())
        self._sound: Sound | None = None
        self._sound_left = b""
        self._now = 0.0
        self._watch_for_stray = False
        self._greets_with_beep = party.answers == "voicemail" and any(isinstance(s, Beep) for s in walk(party.steps))
        self._announcements: dict[str, Callable[[], None]] = {}
        self._numbers = count()

        self.heard = bytearray()
        """µ-law from the agent as it was played, frame for frame beside `said`; the first `KEPT_S` seconds."""
        self.said = bytearray()
        """µ-law from the party."""
        self.frame = b""
        """What the party said in the last 20 ms."""
        self.spoken: list[str] = []
        """Sentences that the party began."""
        self.marks_returned = 0
        self.clears = 0
        self.stray_frames = 0
        """Audio that still came after a `clear`, before the party had finished what it said."""
        self.faults: deque[str] = deque(maxlen=KEPT_FAULTS)
        """Messages that break the carrier's protocol, the latest ones."""
        self.keys_heard = ""
        """Those that were pressed for it by the carrier; those in the sound only where the party waits for some."""
        self.first_words_over = False
        self.greeting_over = False
        """The first words were said, or the machine's beep was sounded: answering-machine detection knows enough."""
        self.hung_up = False
        """The party wants the call to end."""
        self.on_sound_over: Callable[[], None] = _nothing
        """Called when the party has said something to its end."""
        self.on_key: Callable[[str], None] = _nothing_of
        """Called with each key that the party presses."""

    @property
    def speaking(self) -> bool:
        """The party makes a sound now."""
        return self._sound is not None

    def open(self) -> list[bytes]:
        """The messages that begin the stream."""
        return self._codec.open() if self._codec is not None else []

    def attach(self, codec: LineCodec | None) -> None:
        """Another stream, or none: what the last one had queued is not played."""
        self._without_announcements(self.playout.clear())
        self._codec = codec

    def announce(self, audio: bytes, on_over: Callable[[], None]) -> None:
        """The carrier's own µ-law voice, behind what is queued; `on_over` is called once it was heard or cleared."""
        name = f"{_ANNOUNCEMENT}{next(self._numbers)}"
        self._announcements[name] = on_over
        self._script.on_asked()
        self.playout.play(audio)
        self._returned(self.playout.mark(name))

    def hush(self) -> None:
        """Stop what the carrier's voice is saying.  Only while no stream is attached."""
        self._without_announcements(self.playout.clear())

    def receive(self, message: str | bytes) -> list[bytes]:
        """Take one message of the engine; the marks that it brings back at once."""
        if self._codec is None:
            return []
        try:
            command = self._codec.decode(message)
        except MediaError as fault:
            self.faults.append(fault.message)
            return []
        if isinstance(command, Play):
            self.playout.play(command.audio)
            if self._watch_for_stray:
                self.stray_frames += -(-len(command.audio) // FRAME_BYTES)
            return []
        if isinstance(command, Mark):
            return self._returned(self.playout.mark(command.name))
        if isinstance(command, Clear):
            self.clears += 1
            self._watch_for_stray = self.speaking
            dropped = self._without_announcements(self.playout.clear())
            self.marks_returned += len(dropped)
            return self._codec.cleared(dropped)
        self.press(command.digits)
        return []

    def tick(self, now: float) -> list[bytes]:
        """The messages of the next 20 ms; `now` is seconds of any clock that does not run backwards."""
        self._now = now
        frame, marks = self.playout.tick()
        self._voice.feed(frame)
        if self._keys is not None:
            self.press(self._keys.feed(frame))
        messages = self._returned(marks)
        for action in self._script.tick(now):
            messages += self._act(action)
        said = self.frame = self._next_frame()
        if len(self.heard) < KEPT_S / FRAME_S * FRAME_BYTES:
            self.heard += frame
            self.said += said
        if self._codec is not None:
            messages.append(self._codec.media(said))
        return messages

    def press(self, digits: str) -> None:
        """These keys were pressed at the other side; those that are in its sound are heard by themselves."""
        self.keys_heard += digits
        for digit in digits:
            self._script.on_key(digit)

    def stop(self) -> list[bytes]:
        """The messages that end the stream."""
        return [self._codec.stop()] if self._codec is not None else []

    def close(self) -> None:
        """Hear nothing more.  May be called twice."""
        self._without_announcements(self.playout.clear())
        self._voice.close()

    def _act(self, action: Action) -> list[bytes]:
        if isinstance(action, PressKey):
            self.on_key(action.digit)
            return [self._codec.dtmf(action.digit)] if self._codec is not None else []
        if isinstance(action, Disconnect):
            self.hung_up = True
            return []
        self._sound = action
        self._sound_left = self._utterances.audio(action)
        if isinstance(action, Speak):
            self.spoken.append(action.text)
        return []

    def _next_frame(self) -> bytes:
        noise = next(self._noise)
        if self._sound is None:
            return noise
        frame, self._sound_left = self._sound_left[:FRAME_BYTES], self._sound_left[FRAME_BYTES:]
        if not self._sound_left:
            self._on_sound_over(self._sound)
        return frame + noise[len(frame) :]

    def _on_sound_over(self, sound: Sound) -> None:
        self._sound = None
        self._watch_for_stray = False
        self.first_words_over = True
        if not self._greets_with_beep or isinstance(sound, SoundBeep):
            self.greeting_over = True
        self._script.on_sound_over()
        self.on_sound_over()

    def _on_probability(self, probability: float) -> None:
        edge = self._detector.feed(probability)
        if edge == "started":
            self._script.on_agent_started(self._now - AGENT_START_S)
        elif edge == "ended":
            self._script.on_agent_stopped(self._now - self._detector.silence_s)
            self._voice.reset()

    def _returned(self, marks: list[str]) -> list[bytes]:
        asked = self._without_announcements(marks)
        self.marks_returned += len(asked)
        return [self._codec.mark(name) for name in asked] if self._codec is not None else []

    def _without_announcements(self, marks: list[str]) -> list[str]:
        for name in marks:
            if (on_over := self._announcements.pop(name, None)) is not None:
                on_over()
        return [name for name in marks if not name.startswith(_ANNOUNCEMENT)]


def _nothing() -> None:
    pass


def _nothing_of(key: str) -> None:
    pass
