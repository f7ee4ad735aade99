"""Callers who play a part by themselves: a language model with a persona, or the steps of a simulated party."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Protocol

from getpatter.audio.format import FRAME_S
from getpatter.events import SpeechEnded, SpeechStarted, ToolCalled
from getpatter.llm.base import LanguageModel, Message, TextDelta, ToolCall, ToolSpec
from getpatter.testing.parties import Party, Play, walk
from getpatter.testing.script import Action, Disconnect, PartyScript, PlayRecording, PressKey, SoundBeep, Speak
from getpatter.trying.record import Record
from getpatter.trying.trial_call import TURN_LIMIT_S, TrialCall


class Caller(Protocol):
    async def talk(self, call: TrialCall, max_turns: int) -> None:
        """Hold the caller's side until they hang up, the call is over, or they have said `max_turns` things."""


HANG_UP = ToolSpec(
    "hang_up",
    "Hang up the telephone, once you have what you called for, or have given up.",
    {"type": "object", "properties": {}, "additionalProperties": False},
)

_PART = """\
You play a person who makes a telephone call. Stay in your part: you are the caller, never the one who answers, and \
never say that you are an AI. What you write is spoken: one or two short sentences at a time, no markup, no stage \
directions. Begin with what you want once you were greeted. When you have what you wanted, or see that you will not \
get it, say goodbye and use the tool hang_up in the same message.

Who you are: {persona}
What you want: {goal}"""


class LlmCaller:
    """A caller played by a language model."""

    def __init__(self, llm: LanguageModel, *, persona: str = "An ordinary person.", goal: str) -> None:
        self._llm = llm
        self._part = _PART.format(persona=persona, goal=goal)

    async def talk(self, call: TrialCall, max_turns: int) -> None:
        """See `Caller`.  Raises `ProviderError`."""
        await call.settled()
        for _ in range(max_turns):
            if call.ended is not None:
                return
            words, hangs_up = await self._next(call.record)
            call.say(words)
            await call.settled()
            if hangs_up or not words:
                await call.hang_up()

    async def _next(self, record: Record) -> tuple[str, bool]:
        """What the caller says now, and whether they hang up behind it."""
        said: list[str] = []
        hangs_up = False
        async with aclosing(self._llm.reply(self._messages(record), (HANG_UP,))) as parts:
            async for part in parts:
                if isinstance(part, TextDelta):
                    said.append(part.text)
                elif isinstance(part, ToolCall):
                    hangs_up = hangs_up or part.name == HANG_UP.name
        return "".join(said).strip(), hangs_up

    def _messages(self, record: Record) -> list[Message]:
        """The conversation from the other side: the caller's words are the model's own."""
        messages = [Message("system", self._part)]
        messages += [Message("user" if turn.role == "agent" else "assistant", turn.text) for turn in record.turns]
        if len(messages) == 1:
            messages.append(Message("user", "(Somebody picks up the telephone and says nothing.)"))
        return messages


RECORDING_S = 3.0
"""How long a recording lasts of which no words are known."""


class PartyCaller:
    """A party of the simulated network: its steps, with words for sound.

    Beeps and recordings without `text` are pauses.
    """

    def __init__(self, party: Party) -> None:
        self._party = party
        self._recorded: Mapping[Path, str] = {
            step.path: step.text for step in walk(party.steps) if isinstance(step, Play) and step.text
        }

    async def talk(self, call: TrialCall, max_turns: int) -> None:
        """See `Caller`."""
        part = _PlayedParty(PartyScript(self._party.steps), call, self._recorded)
        while call.ended is None and part.said <= max_turns:
            for action in part.tick():
                if isinstance(action, Disconnect):
                    # Nobody puts the receiver down within their last word, which would not be understood then.
                    await call.until(lambda: call.caller.silent, limit_s=TURN_LIMIT_S)
                    await call.hang_up()
                    return
                part.act(action)
            if part.finished and call.settles:
                return
            if call.clock.now() - part.began > TURN_LIMIT_S * max_turns:
                raise TimeoutError(f"{self._party.name} does not come to an end.")
            await call.until(lambda: False, limit_s=FRAME_S)


class _PlayedParty:
    """One party in one call."""

    def __init__(self, script: PartyScript, call: TrialCall, recorded: Mapping[Path, str]) -> None:
        self._script = script
        self._call = call
        self._recorded = recorded
        self._seen = 0
        self._sound_until: float | None = None
        self._speaking = False
        self.began = call.clock.now()
        self.said = 0

    @property
    def finished(self) -> bool:
        return self._script.finished

    def tick(self) -> list[Action]:
        now = self._call.clock.now()
        self._hear(now)
        if self._speaking and not self._call.caller.speaking:
            self._speaking = False
            self._script.on_sound_over()
        if self._sound_until is not None and now >= self._sound_until:
            self._sound_until = None
            self._script.on_sound_over()
        return self._script.tick(now)

    def act(self, action: Action) -> None:
        match action:
            case Speak(text):
                self._speak(text)
            case PlayRecording(path) if path in self._recorded:
                self._speak(self._recorded[path])
            case PlayRecording():
                self._sound_until = self._call.clock.now() + RECORDING_S
            case SoundBeep(duration_s):
                self._sound_until = self._call.clock.now() + duration_s
            case PressKey(digit):
                self._call.press(digit)

    def _speak(self, text: str) -> None:
        self.said += 1
        self._speaking = True
        self._call.say(text)

    def _hear(self, now: float) -> None:
        """What the agent did since the last time."""
        events, self._seen = self._call.events[self._seen :], len(self._call.events)
        for event in events:
            if isinstance(event, SpeechStarted) and event.role == "agent":
                self._script.on_agent_started(now)
            elif isinstance(event, SpeechEnded) and event.role == "agent":
                self._script.on_agent_stopped(now)
            elif isinstance(event, ToolCalled) and event.name == "send_dtmf" and not event.error:
                for digit in str(json.loads(event.arguments).get("digits", "")):
                    self._script.on_key(digit)
