#!/usr/bin/env python3
"""The engine's media path with instant providers, for load generators.

    engine_server.py --port 8104 --vad-stop 0.2 --answer-ms 2500

Serves ws://127.0.0.1:PORT/media by the Twilio Media Streams protocol, without authentication and on loopback only.
Everything behind the socket is the real engine: codec, VAD, turns, playout, events, the journal in a SQLite file.
Prints one line of JSON with the socket's address once it takes calls; ends by SIGTERM or SIGINT.

What it measures of itself is at http://127.0.0.1:PORT/lag (event loop) and /latency (answers and interruptions), each
for the time since it was last asked.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import uvloop
from fastapi import FastAPI
from probes import EngineLatency, LoopLag
from stubs import InstantLLM, InstantSTT, InstantTTS, OpenDoorCarrier

from getpatter.agent import Agent, TurnSettings
from getpatter.audio.vad import VoiceActivityModel
from getpatter.beat import Beat, Stage
from getpatter.calls.admission import Admission
from getpatter.calls.hang_ups import HangUps
from getpatter.calls.legs import Legs
from getpatter.calls.lines import Lines, new_call_id
from getpatter.calls.live import Office
from getpatter.calls.media import MediaSink, MediaSocket
from getpatter.calls.opening import PickUp, Setup
from getpatter.calls.recording import Recorder
from getpatter.clock import SystemClock
from getpatter.conversation.conversation import Services
from getpatter.conversation.listening import Listening
from getpatter.conversation.pacer import Pacer
from getpatter.observability.bus import EventBus
from getpatter.server.garbage import QuietGarbage
from getpatter.server.listener import Listener
from getpatter.server.media_socket import media_protocol
from getpatter.server.sweep import Sweep
from getpatter.server.upgrade import MediaUpgrade, Refusal
from getpatter.store import Store
from getpatter.testing.load import Spread

ENGINE_NUMBER, CALLER_NUMBER = "+12025550199", "+12025550111"
ENDLESS_S = 3600.0
MAX_CALLS = 10_000


class Doors:
    """Takes every stream at /media as a call that just rang."""

    def __init__(self, lines: Lines, carrier: OpenDoorCarrier, agent: Agent) -> None:
        self._lines = lines
        self._carrier = carrier
        self._agent = agent

    def accept(self, upgrade: MediaUpgrade, socket: MediaSocket) -> MediaSink | Refusal:
        if upgrade.path != "/media":
            return Refusal(404, "Only /media is served.")
        with self._lines.admission.reserved():
            call = self._lines.open(
                Setup(
                    call_id=new_call_id(),
                    direction="inbound",
                    from_number=CALLER_NUMBER,
                    to_number=ENGINE_NUMBER,
                    agent=self._agent,
                )
            )
            self._carrier.admits = call.parameters
            self._lines.run(call, PickUp())
        return self._lines.stream(call.call_id, socket) or Refusal(503, "No room.")


def instant_agent(vad_stop_s: float, answer_ms: int) -> Agent:
    return Agent(
        system_prompt="You are a test.",
        llm=InstantLLM(),
        stt=InstantSTT(),
        tts=InstantTTS(answer_ms / 1000),
        turns=TurnSettings(vad_stop_s=vad_stop_s, silence_timeout_s=ENDLESS_S, max_duration_s=ENDLESS_S),
    )


def meters(lag: LoopLag, latency: EngineLatency) -> FastAPI:
    app = FastAPI(openapi_url=None)

    @app.get("/lag")
    async def tell_lag() -> Spread:
        return lag.report()

    @app.get("/latency")
    async def tell_latency() -> dict[str, Spread]:
        return latency.report()

    return app


async def open_lines(
    options: argparse.Namespace, home: Path, bus: EventBus, beat: Beat, carrier: OpenDoorCarrier, stack: AsyncExitStack
) -> Lines:
    """The engine without its listener.  `stack` closes it; calls must be over by then."""
    clock = SystemClock()
    store = await Store.open(f"sqlite+aiosqlite:///{home / 'calls.db'}")
    stack.push_async_callback(store.close)
    journal = store.journal(bus)
    stack.push_async_callback(journal.close)
    recorder = Recorder(home / "recordings", clock) if options.record else None
    if recorder:
        recorder.start()
        stack.push_async_callback(recorder.stop)
    listening, pacer = Listening(VoiceActivityModel(), clock, beat), Pacer(clock, beat)
    stack.callback(pacer.close)
    listening.start()
    stack.push_async_callback(listening.stop)
    legs = Legs()
    hang_ups = HangUps(carrier, legs, clock)
    stack.push_async_callback(hang_ups.close)
    office = Office(
        carrier=carrier,
        legs=legs,
        hang_ups=hang_ups,
        bus=bus,
        clock=clock,
        recorder=recorder,
        carrier_records=False,
    )
    return Lines(office, Admission(MAX_CALLS), Services(listening, pacer, clock), journal)


async def run(options: argparse.Namespace, home: Path) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with AsyncExitStack() as stack:
        bus, carrier, lag, latency = EventBus(), OpenDoorCarrier(), LoopLag(), EngineLatency()
        bus.subscribe(latency.listen)
        beat = Beat(SystemClock())
        lines = await open_lines(options, home, bus, beat, carrier, stack)
        doors = Doors(lines, carrier, instant_agent(options.vad_stop, options.answer_ms))
        sweep = Sweep(beat)
        stack.callback(sweep.close)
        listener = Listener("127.0.0.1", options.port, setting="--port")
        stack.push_async_callback(listener.stop)
        await listener.start(meters(lag, latency), ws=media_protocol(doors.accept, sweep=sweep))
        stack.push_async_callback(lines.drain, 0.0)
        beat.join(Stage.HEAR, lag.strike)
        stack.callback(beat.leave, Stage.HEAR, lag.strike)
        print(json.dumps({"url": listener.url.replace("http", "ws") + "/media", "pid": os.getpid()}), flush=True)
        garbage = QuietGarbage(SystemClock(), lambda: lines.live)
        garbage.start()
        stack.callback(garbage.stop)
        bus.subscribe(garbage.listen)
        await stopped.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--vad-stop", type=float, default=0.2, help="silence that ends a turn, seconds")
    parser.add_argument("--answer-ms", type=int, default=2500, help="length of each answer")
    parser.add_argument("--record", action="store_true", help="record every call to a WAV file, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="patter-bench-") as home:
        uvloop.run(run(options, Path(home)))


if __name__ == "__main__":
    main()
