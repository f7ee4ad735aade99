"""Whether a person or an answering machine took an outbound call, told from what is heard.

It only adds knowledge: nothing waits for it, and the agent greets as it would greet a person.  On `machine` the
conversation stops talking, and `greeting_ended` says when to leave the message.

People greet briefly and wait ("Hello?", 0.5 to 1.5 s); machines talk on, announce a tone, and beep.  Length alone
proves nothing, since receptionists talk as long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from getpatter.language.greetings import greetings_of, plain
from getpatter.language.menu import is_menu

Party = Literal["human", "machine", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweringSettings:
    """All in seconds."""

    language: str = "en-US"
    short_s: float = 2.0
    """The longest first utterance that a person's greeting is taken for by its length."""
    human_wait_s: float = 0.8
    """Silence behind it that makes it one: the person waits for us."""
    window_s: float = 30.0
    """Later words do not count any more: by then it is a conversation, in which anything may be said."""
    greeting_silence_s: float = 1.8
    """Silence that ends a machine's greeting; longer than the pauses within one."""
    tone_wait_s: float = 5.0
    """The same where a tone was announced and is still to come: some come late, and some never."""
    beep_rest_s: float = 0.3
    """From a beep's end to our first word: recording begins with its end."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Who took the call, and what shows it."""

    party: Party
    reason: str


UNDECIDED = Answer("unknown", "nothing shows it yet")


class AnsweringDetector:
    """One call's.  Times are seconds on any one clock, those of speech when it really began and ended.

    A short greeting or a question to us makes a `human` until a machine's words say otherwise.  Machines that announce
    a tone, ask for a message or beep are machines for good.  A telephone menu, and a telephone that screens calls, stay
    `unknown`: both want an answer.
    """

    def __init__(self, settings: AnsweringSettings | None = None) -> None:
        self._settings = settings or AnsweringSettings()
        self._phrases = greetings_of(self._settings.language)
        self._answer = UNDECIDED
        self._certain = False
        self._first_speech: float | None = None
        self._talk_began: float | None = None
        """Beginning of the talk that no pause of `human_wait_s` has broken."""
        self._pauses = 0
        """How many such pauses there were."""
        self._silent_since: float | None = None
        self._finals: list[str] = []
        self._interim = ""
        self._beep: float | None = None

    @property
    def answer(self) -> Answer:
        return self._answer

    @property
    def certain(self) -> bool:
        """It is a machine, and nothing that may yet be heard changes that."""
        return self._certain

    def told_machine(self) -> None:
        """The carrier says that it is a machine."""
        self._decide("machine", "the carrier says so", certain=True)

    def speech_started(self, now: float) -> Answer:
        """The far end began to speak."""
        self._wait(now)
        if self._first_speech is None:
            self._first_speech = now
        if self._talk_began is None:
            self._talk_began = now
        self._silent_since = None
        return self._answer

    def speech_ended(self, now: float) -> Answer:
        """The far end paused."""
        if self._first_speech is not None:
            self._silent_since = now
        return self._judge(now)

    def transcript(self, text: str, now: float, final: bool) -> Answer:
        """What the far end is understood to say; an interim text is replaced by the next one."""
        if final and text:
            self._finals.append(text)
        self._interim = "" if final else text
        if self._first_speech is None and text:
            self._first_speech = self._talk_began = now
        return self._judge(now)

    def beep(self, now: float) -> Answer:
        """A tone ended: a machine's, unless nothing was said before it or somebody asked us something."""
        if self._first_speech is not None and not self._phrases.person.search(self._text):
            self._beep = now
            self._decide("machine", "a beep", certain=True)
        return self._answer

    def silence(self, now: float) -> Answer:
        """Time passed; to be called at `due`, or as often as is convenient."""
        self._wait(now)
        return self._answer

    @property
    def due(self) -> float | None:
        """When silence next means something: a person waits, or a greeting has ended.  None while there is none."""
        if self._answer.party == "machine":
            return self._greeting_end()
        if self._silent_since is None or self._talk_began is None:
            return None
        return self._silent_since + self._settings.human_wait_s

    def greeting_ended(self, now: float) -> bool:
        """Whether the machine that answered is ready to record."""
        end = self._greeting_end() if self._answer.party == "machine" else None
        return end is not None and now >= end

    def _greeting_end(self) -> float | None:
        settings = self._settings
        if self._beep is not None:
            return self._beep + settings.beep_rest_s
        if self._silent_since is None:
            return None
        tone = self._phrases.tone.search(self._text) is not None
        return self._silent_since + (settings.tone_wait_s if tone else settings.greeting_silence_s)

    @property
    def _text(self) -> str:
        return plain(" ".join([*self._finals, self._interim]))

    def _wait(self, now: float) -> None:
        """A pause that lasted `human_wait_s` ends a talk; after a short first one somebody waits for us."""
        began, silent = self._talk_began, self._silent_since
        if began is None or silent is None or now - silent < self._settings.human_wait_s - 1e-9:
            return
        self._talk_began = None
        self._pauses += 1
        short = silent - began <= self._settings.short_s
        if self._pauses == 1 and short and self._answer == UNDECIDED:
            self._decide("human", "a short greeting and a wait")

    def _judge(self, now: float) -> Answer:
        """Weigh the words heard so far."""
        if self._certain or self._first_speech is None or now - self._first_speech > self._settings.window_s:
            return self._answer
        text, phrases = self._text, self._phrases
        if phrases.screening.search(text):
            self._decide("unknown", "a telephone that screens calls")
        elif phrases.tone.search(text):
            self._decide("machine", "it announces a tone", certain=True)
        elif phrases.person.search(text):
            self._decide("human", "a question to whoever calls")
        elif phrases.message.search(text):
            self._decide("machine", "it asks for a message", certain=True)
        elif self._is_menu():
            self._decide("unknown", "a telephone menu")
        elif phrases.named.search(text):
            self._decide("machine", "it names itself")
        elif self._silent_since is not None and self._excuses(text):
            self._decide("machine", "nobody is there to take the call")
        return self._answer

    def _excuses(self, text: str) -> bool:
        """People say of others that they are away, and then ask something; a machine says it twice or opens with its
        name, and pauses without a question."""
        away = {match[0] for match in self._phrases.away.finditer(text)}
        return len(away) >= 2 or (len(away) == 1 and self._phrases.opening.search(text) is not None)

    def _is_menu(self) -> bool:
        return is_menu(" ".join([*self._finals, self._interim]), self._settings.language)

    def _decide(self, party: Party, reason: str, *, certain: bool = False) -> None:
        self._answer = Answer(party, reason)
        self._certain = certain
