"""One session of the Gemini Live API as a server has it: messages in, messages out, no socket."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from getpatter.llm.base import ToolCall
from getpatter.testing.realtime_session import CHUNK_S, SECONDS_A_WORD, WORDS_AHEAD, Spoken

Json = dict[str, Any]

RATE = 24000
_CAMEL = re.compile("_([a-z])")
SAMPLE = b"\x55\x05"
"""What speech consists of here."""


class ProtocolError(Exception):
    """The API closes the connection with 1007 for this."""


class GeminiSession:
    """`received` holds the messages that came, `setup` the configuration as it is now, `turns` the conversation.

    `receive` gives the messages that answer one.  When it leaves `to_speak` set, whoever owns the socket runs through
    `speak`.
    """

    def __init__(self, answer: Callable[[], Spoken], understand: Callable[[], str]) -> None:
        self._answer = answer
        self._understand = understand
        self._is_active = False
        self._generating = False
        self._interrupted = False
        self._waits_for_history = False
        self._pending: list[str] = []
        """Ids of the calls whose results the model waits for."""
        self._handles = 0
        self.received: list[Json] = []
        self.setup: Json = {}
        self.turns: list[tuple[str, str]] = []
        """Who, and what as text; the caller's sound as what was understood."""
        self.audio = bytearray()
        """What was said in activities."""
        self.results: list[Json] = []
        self.to_speak: Spoken | None = None

    # -- what the client says

    def receive(self, message: Json) -> list[Json]:
        """Raises `ProtocolError`."""
        message = _in_camel_case(message, 3)
        self.received.append(message)
        [(kind, body)] = message.items()
        if (kind == "setup") is not (len(self.received) == 1):
            raise ProtocolError("The first message, and no other, must be the setup.")
        match kind:
            case "setup":
                return self._begin(body)
            case "realtimeInput":
                return self._realtime(body)
            case "clientContent":
                return self._content(body)
            case "toolResponse":
                return self._tool_response(body)
            case "contextUpdate":
                tools = body.pop("tools", None)
                self.setup |= body | ({} if tools is None else {"tools": tools["tools"]})
                return []
        raise ProtocolError(f'Unknown name "{kind}": Cannot find field.')

    def _begin(self, setup: Json) -> list[Json]:
        if not setup.get("model", "").startswith("models/"):
            raise ProtocolError("The model has no such name.")
        self.setup = setup
        self._waits_for_history = setup.get("historyConfig", {}).get("initialHistoryInClientContent", False)
        return [{"setupComplete": {}}]

    def _realtime(self, body: Json) -> list[Json]:
        [(kind, value)] = body.items()
        match kind:
            case "activityStart":
                if self._is_active:
                    raise ProtocolError("Activity has begun already.")
                self._is_active = True
                return self._interrupt()
            case "activityEnd":
                if not self._is_active:
                    raise ProtocolError("No activity has begun.")
                self._is_active = False
                return self._understood()
            case "audio":
                if not self._is_active:
                    raise ProtocolError("Audio outside of an activity.")
                if value["mimeType"] != "audio/pcm;rate=16000":
                    raise ProtocolError("Unsupported audio.")
                self.audio += base64.b64decode(value["data"], validate=True)
            case "text":
                self.turns.append(("user", value))
            case _:
                raise ProtocolError(f'Unknown name "{kind}": Cannot find field.')
        return []

    def _understood(self) -> list[Json]:
        words = self._understand()
        self.turns.append(("user", words))
        self._generate(self._answer())
        if "inputAudioTranscription" not in self.setup:
            return []
        return [_content(inputTranscription={"text": piece}) for piece in _pieces(words)]

    def _content(self, body: Json) -> list[Json]:
        messages = self._interrupt()
        for turn in body.get("turns", []):
            self.turns.append((turn["role"], _text_of(turn)))
        if not body.get("turnComplete"):
            return messages
        if self._waits_for_history:
            self._waits_for_history = False
            return messages
        last = self.turns[-1][1] if self.turns else ""
        exact = last.startswith("Say exactly")
        self._generate(Spoken(last.partition("\n")[2]) if exact else self._answer())
        return messages

    def _tool_response(self, body: Json) -> list[Json]:
        for result in body["functionResponses"]:
            if result["id"] not in self._pending:
                raise ProtocolError("A response to no function call.")
            self._pending.remove(result["id"])
            self.results.append(result)
        if not self._pending:
            self._generate(self._answer())
        return []

    def _interrupt(self) -> list[Json]:
        cancelled, self._pending = self._pending, []
        if self._generating:
            self._interrupted = True
        return [{"toolCallCancellation": {"ids": cancelled}}] if cancelled else []

    def _generate(self, spoken: Spoken) -> None:
        self.to_speak = spoken

    # -- what the model says

    def take_up(self) -> Spoken:
        """What is to be spoken, which it is not any more."""
        spoken, self.to_speak = self.to_speak, None
        assert spoken is not None
        self._generating, self._interrupted = True, False
        return spoken

    def speak(self, spoken: Spoken) -> Iterator[tuple[float, list[Json]]]:
        """An answer step by step: the seconds of sound in each, and its messages.  An interruption ends it early."""
        words = _pieces(spoken.text)
        size = int(CHUNK_S * RATE) * len(SAMPLE)
        sound = SAMPLE * int(len(words) * SECONDS_A_WORD * RATE)
        told = 0
        for start in range(0, len(sound), size):
            if self._interrupted:
                break
            chunk = sound[start : start + size]
            seconds = start / len(SAMPLE) / RATE
            ahead = int(seconds / SECONDS_A_WORD) + WORDS_AHEAD
            data = {"mimeType": "audio/pcm;rate=24000", "data": base64.b64encode(chunk).decode()}
            yield (
                len(chunk) / len(SAMPLE) / RATE,
                [
                    *(_content(outputTranscription={"text": word}) for word in words[told:ahead]),
                    _content(modelTurn={"role": "model", "parts": [{"inlineData": data}]}),
                ],
            )
            told = max(told, ahead)
        self.turns.append(("model", "".join(words[:told])))
        if spoken.tool_calls and not self._interrupted:
            yield 0.0, [self._call(spoken.tool_calls)]
        elif not self._interrupted:
            yield 0.0, [_content(generationComplete=True)]
        interrupted = [_content(interrupted=True)] if self._interrupted else []
        self._generating = False
        yield 0.0, [*interrupted, self._turn_complete(), *self._resumption()]

    def _call(self, calls: tuple[ToolCall, ...]) -> Json:
        self._pending = [call.id for call in calls]
        functions = [{"id": call.id, "name": call.name, "args": json.loads(call.arguments)} for call in calls]
        return {"toolCall": {"functionCalls": functions}}

    def _turn_complete(self) -> Json:
        status = "REQUIRES_ACTION" if self._pending else "IDLE"
        return _content(turnComplete=True, interactionStatus=status) | {"usageMetadata": _usage()}

    def _resumption(self) -> list[Json]:
        if "sessionResumption" not in self.setup:
            return []
        self._handles += 1
        update = {"resumable": True, "newHandle": f"handle-{self._handles}"} if not self._pending else {}
        return [{"sessionResumptionUpdate": update}]


def _in_camel_case(message: Json, levels: int) -> Json:
    """Fields go by either of two names (ProtoJSON); below the outer levels there are the client's own."""
    return {
        _CAMEL.sub(lambda found: found[1].upper(), name): _in_camel_case(value, levels - 1)
        if isinstance(value, dict) and levels > 1
        else value
        for name, value in message.items()
    }


def _content(**fields: Any) -> Json:
    return {"serverContent": fields}


def _text_of(turn: Json) -> str:
    return "".join(part.get("text", "") for part in turn["parts"])


def _pieces(text: str) -> list[str]:
    """Words, each with the space before it."""
    return [word if number == 0 else f" {word}" for number, word in enumerate(text.split(" "))] if text else []


def _usage() -> Json:
    return {
        "promptTokenCount": 120,
        "responseTokenCount": 80,
        "totalTokenCount": 200,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 40},
            {"modality": "AUDIO", "tokenCount": 80},
        ],
        "responseTokensDetails": [{"modality": "AUDIO", "tokenCount": 60}, {"modality": "TEXT", "tokenCount": 20}],
    }
