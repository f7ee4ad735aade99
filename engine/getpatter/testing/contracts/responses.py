"""What engines are asked in the contract of all of them, and what their events come to."""

from __future__ import annotations

from getpatter.engines.base import (
    AudioDelta,
    EngineConfig,
    EngineEvent,
    EngineSession,
    InputTranscript,
    RealtimeEngine,
    ResponseDone,
    TurnTaken,
)
from getpatter.llm.base import TextDelta, ToolCall, ToolSpec

LOOK_UP = ToolSpec(
    "look_up", "Finds somebody.", {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
)
CONFIG = EngineConfig("You book tables.", (LOOK_UP,))
EVERY_SCRIPT = "Grüß Gott, señor – 東京 👋 “quoted” <break/> & \\ \n end."


def speech(engine: RealtimeEngine, seconds: float = 0.5) -> bytes:
    return b"\x55" * int(seconds * engine.input_format.bytes_per_second)


def silence(engine: RealtimeEngine, seconds: float = 0.5) -> bytes:
    zero = b"\xff" if engine.input_format.encoding == "mulaw" else b"\x00"
    return zero * int(seconds * engine.input_format.bytes_per_second)


async def ask(engine: RealtimeEngine, session: EngineSession) -> None:
    """The caller says something that is to be answered."""
    session.send(speech(engine))
    if engine.manages_turns:  # which needs the silence
        session.send(silence(engine))
    session.commit()
    session.respond()


async def until(session: EngineSession, kind: type[EngineEvent]) -> list[EngineEvent]:
    """The events up to the first of this kind."""
    events: list[EngineEvent] = []
    async for event in session.events():
        events.append(event)
        if isinstance(event, kind):
            break
    return events


async def spoken(session: EngineSession, *, and_heard: bool = False) -> list[EngineEvent]:
    """The events of one response; with `and_heard` also the final transcript of what it answers."""
    events: list[EngineEvent] = []
    async for event in session.events():
        events.append(event)
        done = any(isinstance(event, ResponseDone) for event in events)
        if done and (heard_in(events) or not and_heard):
            break
    return events


async def spoken_to_the_end(session: EngineSession) -> list[EngineEvent]:
    return [event async for event in session.events()]


def text_of(events: list[EngineEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def audio_of(events: list[EngineEvent]) -> bytes:
    return b"".join(event.audio for event in events if isinstance(event, AudioDelta))


def heard_in(events: list[EngineEvent]) -> list[str]:
    taken = [event.text for event in events if isinstance(event, TurnTaken) and event.text]
    return taken + [event.text for event in events if isinstance(event, InputTranscript) and event.final]


def tools_in(events: list[EngineEvent]) -> list[ToolCall]:
    return [event for event in events if isinstance(event, ToolCall)]


def done_in(events: list[EngineEvent]) -> ResponseDone:
    return next(event for event in events if isinstance(event, ResponseDone))
