"""One session of the realtime API as a server has it: messages in, events out, no socket."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from getpatter.llm.base import ToolCall

Json = dict[str, Any]

SOUND = 0x55
"""The µ-law byte that speech consists of here; as pcm16 it is two of them."""
CHUNK_S = 0.2
"""Sound of one delta."""
SECONDS_A_WORD = 0.4
WORDS_AHEAD = 3
"""Words by which the transcript runs ahead of its sound."""
MIN_COMMIT_S = 0.1
_BYTES_PER_S = {"audio/pcmu": 8000, "audio/pcma": 8000, "audio/pcm": 48000}


@dataclass(frozen=True, slots=True)
class Spoken:
    """One response, or one failure."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    fails: str = ""
    """The code of the error that ends it after its words."""
    stops: str = ""
    """Why the server itself ends it early, after its words: `turn_detected`, `content_filter`, `max_output_tokens`."""
    stall_after: int | None = None
    """Say nothing more after this many steps (0: not even that it has begun)."""
    drop_after: int | None = None
    """Cut the connection after this many steps."""


class RealtimeSession:
    """`received` holds the messages that came, `session` the configuration, `items` the conversation by id.

    `receive` gives the events that answer a message.  After a `response.create` it leaves `to_speak` set, and whoever
    owns the socket runs through `speak`.
    """

    def __init__(self, answer: Callable[[], Spoken], understand: Callable[[], str | None]) -> None:
        """`understand` gives what was understood of a commit; None where that is never told."""
        self._answer = answer
        self._understand = understand
        self._numbers = itertools.count(1)
        self._buffered = 0
        self._active = ""
        """The id of the response under way."""
        self._cancelled = False
        self.received: list[Json] = []
        self.items: dict[str, Json] = {}
        self.audio_ms: dict[str, int] = {}
        """How much sound each item of ours has; less once it was truncated."""
        self.truncated: dict[str, int] = {}
        self.errors: list[str] = []
        """Codes of what we complained about."""
        self.to_speak: Spoken | None = None
        self.session: Json = {
            "type": "realtime",
            "object": "realtime.session",
            "id": "sess_1",
            "model": "gpt-realtime",
            "output_modalities": ["audio"],
            "instructions": "",
            "tools": [],
            "tool_choice": "auto",
            "audio": {
                "input": {"format": {"type": "audio/pcm", "rate": 24000}, "turn_detection": {"type": "server_vad"}},
                "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "alloy"},
            },
        }

    def of(self, kind: str) -> list[Json]:
        """The messages of one type that came."""
        return [message for message in self.received if message["type"] == kind]

    def begin(self) -> list[Json]:
        return [self._event("session.created", session=self.session)]

    def begin_as_beta(self) -> list[Json]:
        """As the API did before its general availability."""
        session = {"id": "sess_1", "modalities": ["text", "audio"], "input_audio_format": "pcm16", "voice": "alloy"}
        return [self._event("session.created", session=session)]

    def complain(self, code: str, words: str) -> list[Json]:
        """An error that is about none of the client's messages."""
        return [self._event("error", error={"type": "invalid_request_error", "code": code, "message": words})]

    def remark(self) -> list[Json]:
        """What a client need not know: limits, and an event that came with a later version."""
        limits = [{"name": "tokens", "limit": 40_000, "remaining": 39_000, "reset_seconds": 1.5}]
        return [
            self._event("rate_limits.updated", rate_limits=limits),
            self._event("response.thought.added", thought={}),
        ]

    def receive(self, message: Json) -> list[Json]:
        self.received.append(message)
        match message["type"]:
            case "session.update":
                return self._update(message)
            case "input_audio_buffer.append":
                self._buffered += len(base64.b64decode(message["audio"], validate=True))
                return []
            case "input_audio_buffer.commit":
                return self._commit(message)
            case "input_audio_buffer.clear":
                self._buffered = 0
                return [self._event("input_audio_buffer.cleared")]
            case "conversation.item.create":
                return self._add(dict(message["item"]))
            case "conversation.item.truncate":
                return self._truncate(message)
            case "response.create":
                return self._create(message)
            case "response.cancel":
                if not self._active:
                    return self._refuse(message, "response_cancel_not_active", "No response is under way.")
                self._cancelled = True
                return []
        return self._refuse(message, "invalid_value", f"Invalid value: '{message['type']}'.")

    # -- the conversation

    def _update(self, message: Json) -> list[Json]:
        change = message["session"]
        if change.get("type") != "realtime":
            return self._refuse(message, "missing_required_parameter", "Missing required parameter: 'session.type'.")
        _merge(self.session, change)
        return [self._event("session.updated", session=self.session)]

    def _commit(self, message: Json) -> list[Json]:
        if self._buffered < MIN_COMMIT_S * self._rate("input"):
            return self._refuse(message, "input_audio_buffer_commit_empty", "Error committing input audio buffer.")
        self._buffered = 0
        item_id = self._id("item")
        item = _message(item_id, "user", {"type": "input_audio", "transcript": None})
        events = [
            self._event("input_audio_buffer.committed", item_id=item_id, previous_item_id=None),
            *self._added(item),
        ]
        if self.session["audio"]["input"].get("transcription") and (words := self._understand()) is not None:
            kind = "conversation.item.input_audio_transcription"
            events += [
                self._event(f"{kind}.delta", item_id=item_id, content_index=0, delta=piece) for piece in _pieces(words)
            ]
            usage = {"type": "duration", "seconds": 1}
            events.append(
                self._event(f"{kind}.completed", item_id=item_id, content_index=0, transcript=words, usage=usage)
            )
        return events

    def _add(self, item: Json) -> list[Json]:
        item.setdefault("id", self._id("item"))
        item |= {"object": "realtime.item", "status": "completed"}
        return self._added(item)

    def _added(self, item: Json) -> list[Json]:
        self.items[item["id"]] = item
        return [
            self._event(f"conversation.item.{what}", item=item, previous_item_id=None) for what in ("added", "done")
        ]

    def _truncate(self, message: Json) -> list[Json]:
        item_id, end_ms = message["item_id"], message["audio_end_ms"]
        if item_id not in self.audio_ms:
            return self._refuse(message, "item_truncate_invalid_item_id", f"Item with id '{item_id}' not found.")
        if end_ms > self.audio_ms[item_id]:
            said = f"Audio content of {self.audio_ms[item_id]}ms is already shorter than {end_ms}ms"
            return self._refuse(message, "invalid_value", said)
        self.truncated[item_id] = self.audio_ms[item_id] = end_ms
        return [self._event("conversation.item.truncated", item_id=item_id, content_index=0, audio_end_ms=end_ms)]

    # -- responses

    def _create(self, message: Json) -> list[Json]:
        if self._active:
            said = "Conversation already has an active response in progress."
            return self._refuse(message, "conversation_already_has_active_response", said)
        self._active, self._cancelled = self._id("resp"), False
        words = (message.get("response") or {}).get("instructions", "")
        self.to_speak = Spoken(words.partition("\n")[2]) if words.startswith("Say exactly") else self._answer()
        return []

    def take_up(self) -> Spoken:
        """What is to be spoken, which it is not any more."""
        spoken, self.to_speak = self.to_speak, None
        assert spoken is not None
        return spoken

    def speak(self, spoken: Spoken) -> Iterator[tuple[float, list[Json]]]:
        """A response step by step: the seconds of sound in each, and its events.  A cancellation ends it early."""
        response: Json = {"id": self._active, "object": "realtime.response", "status": "in_progress", "output": []}
        yield 0.0, [self._event("response.created", response=dict(response))]
        if spoken.text:
            yield from self._speak_words(spoken.text, response)
        for call in spoken.tool_calls:
            if not self._cancelled:
                yield 0.0, self._call(call, response)
        status: Json = {"status": "cancelled" if self._cancelled else "completed", "status_details": None}
        if self._cancelled:
            status["status_details"] = {"type": "cancelled", "reason": "client_cancelled"}
        elif spoken.stops:
            ended = "cancelled" if spoken.stops == "turn_detected" else "incomplete"
            status = {"status": ended, "status_details": {"type": ended, "reason": spoken.stops}}
        elif spoken.fails:
            error = {"type": spoken.fails, "code": spoken.fails}
            status = {"status": "failed", "status_details": {"type": "failed", "error": error}}
        self._active = ""
        yield 0.0, [self._event("response.done", response=response | status | {"usage": _usage()})]

    def _speak_words(self, text: str, response: Json) -> Iterator[tuple[float, list[Json]]]:
        item_id = self._id("item")
        place = {"response_id": response["id"], "item_id": item_id, "output_index": 0, "content_index": 0}
        part = {"type": "audio", "transcript": ""}
        item = _message(item_id, "assistant") | {"status": "in_progress"}
        self.items[item_id], self.audio_ms[item_id] = item, 0
        yield (
            0.0,
            [
                self._event("response.output_item.added", response_id=response["id"], output_index=0, item=item),
                self._event("conversation.item.added", item=item, previous_item_id=None),
                self._event("response.content_part.added", **place, part=part),
            ],
        )
        words, sound = _pieces(text), bytes([SOUND]) * int(len(text.split()) * SECONDS_A_WORD * self._rate("output"))
        size = int(CHUNK_S * self._rate("output"))
        told = 0
        for start in range(0, len(sound), size):
            if self._cancelled:
                return
            ahead = int((start / self._rate("output")) / SECONDS_A_WORD) + WORDS_AHEAD
            events = [
                self._event("response.output_audio_transcript.delta", **place, delta=piece)
                for piece in words[told:ahead]
            ]
            told = max(told, ahead)
            chunk = sound[start : start + size]
            seconds = len(chunk) / self._rate("output")
            self.audio_ms[item_id] += round(seconds * 1000)
            delta = base64.b64encode(chunk).decode()
            yield seconds, [*events, self._event("response.output_audio.delta", **place, delta=delta)]
        item = _message(item_id, "assistant", {"type": "output_audio", "transcript": text})
        self.items[item_id] = item
        response["output"].append(item)
        yield (
            0.0,
            [
                self._event("response.output_audio.done", **place),
                self._event("response.output_audio_transcript.done", **place, transcript=text),
                self._event("response.content_part.done", **place, part=part | {"transcript": text}),
                self._event("response.output_item.done", response_id=response["id"], output_index=0, item=item),
                self._event("conversation.item.done", item=item, previous_item_id=None),
            ],
        )

    def _call(self, call: ToolCall, response: Json) -> list[Json]:
        item_id = self._id("item")
        item: Json = {"id": item_id, "object": "realtime.item", "type": "function_call", "status": "completed"}
        item |= {"call_id": call.id, "name": call.name, "arguments": call.arguments}
        place = {"response_id": response["id"], "item_id": item_id, "output_index": len(response["output"])}
        response["output"].append(item)
        self.items[item_id] = item
        kind, about = "response.function_call_arguments", {"call_id": call.id}
        return [
            self._event("response.output_item.added", **_without(place, "item_id"), item=item | {"arguments": ""}),
            self._event(f"{kind}.delta", **place, **about, delta=call.arguments),
            self._event(f"{kind}.done", **place, **about, name=call.name, arguments=call.arguments),
            self._event("response.output_item.done", **_without(place, "item_id"), item=item),
        ]

    # -- helpers

    def _rate(self, side: str) -> int:
        return _BYTES_PER_S[self.session["audio"][side]["format"]["type"]]

    def _event(self, kind: str, **fields: Any) -> Json:
        return {"type": kind, "event_id": self._id("event")} | fields

    def _refuse(self, message: Json, code: str, words: str) -> list[Json]:
        self.errors.append(code)
        error = {"type": "invalid_request_error", "code": code, "message": words, "param": None}
        return [self._event("error", error=error | {"event_id": message.get("event_id")})]

    def _id(self, what: str) -> str:
        return f"{what}_{next(self._numbers)}"


def _message(item_id: str, role: str, *content: Json) -> Json:
    return {
        "id": item_id,
        "object": "realtime.item",
        "type": "message",
        "status": "completed",
        "role": role,
        "content": list(content),
    }


def _merge(into: Json, change: Json) -> None:
    for key, value in change.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def _pieces(text: str) -> list[str]:
    """Words, each with the space before it."""
    words = text.split(" ")
    return [word if number == 0 else f" {word}" for number, word in enumerate(words)] if text else []


def _without(fields: Json, name: str) -> Json:
    return {key: value for key, value in fields.items() if key != name}


def _usage() -> Json:
    return {
        "total_tokens": 200,
        "input_tokens": 120,
        "output_tokens": 80,
        "input_token_details": {"text_tokens": 40, "audio_tokens": 80, "cached_tokens": 64},
        "output_token_details": {"text_tokens": 20, "audio_tokens": 60},
    }
