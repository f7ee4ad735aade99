#!/usr/bin/env python3
"""The engine's media path with instant providers, for load generators.

    engine_server.py --port 8104 --vad-stop 0.2 --answer-ms 2500

Serves ws://127.0.0.1:PORT/media by the Twilio Media Streams protocol, without authentication and on loopback only.
Everything behind the socket is the real engine: codec, VAD, turns, playout, events, the journal in a SQLite file.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import signal
import tempfile
from pathlib import Path
from time import monotonic

import uvloop
from fastapi import FastAPI
from stubs import InstantLLM, InstantSTT, InstantTTS, OpenDoorCarrier

from getpatter.agent import Agent, TurnSettings
from getpatter.audio.vad import VoiceActivityModel
from getpatter.calls.admission import Admission
from getpatter.calls.archive import Archive
from getpatter.calls.exchange import Exchange, Rules
from getpatter.calls.media import MediaSink, MediaSocket
from getpatter.calls.policy import DialPolicy
from getpatter.calls.recording import Recorder
from getpatter.calls.views import ServeInbound
from getpatter.carriers.base import InboundCall
from getpatter.clock import SystemClock
from getpatter.conversation.listening import Listening
from getpatter.conversation.pacer import Pacer
from getpatter.conversation.pipeline import Services
from getpatter.observability.bus import EventBus
from getpatter.server.listener import Listener
from getpatter.server.media_socket import media_protocol
from getpatter.server.upgrade import MediaUpgrade, Refusal
from getpatter.store import Store


class LoopLag:
    """How late the event loop runs its timers: a 10 ms heartbeat."""

    def __init__(self) -> None:
        self.late_ms: list[float] = []

    async def run(self) -> None:
        due = monotonic()
        while True:
            due += 0.01
            await asyncio.sleep(max(0.0, due - monotonic()))
            late = monotonic() - due
            self.late_ms.append(late * 1000)
            if late > 0.05:
                due = monotonic()

    def report(self) -> dict[str, float]:
        """Milliseconds, and starts afresh."""
        values, self.late_ms = sorted(self.late_ms), []
        at = lambda q: round(values[int(q * (len(values) - 1))], 2) if values else 0.0  # noqa: E731
        return {"p50": at(0.5), "p99": at(0.99), "max": at(1.0), "samples": len(values)}


async def run(options: argparse.Namespace, home: Path) -> None:
    clock, bus = SystemClock(), EventBus()
    store = await Store.open(f"sqlite+aiosqlite:///{home / 'calls.db'}")
    journal = store.journal(bus)
    listening, pacer = Listening(VoiceActivityModel(), clock), Pacer(clock)
    listening.start()
    recorder = Recorder(home / "recordings", clock) if options.record else None
    if recorder:
        recorder.start()
    carrier = OpenDoorCarrier()
    exchange = Exchange(
        agent=Agent(
            system_prompt="You are a test.",
            llm=InstantLLM(),
            stt=InstantSTT(),
            tts=InstantTTS(options.answer_ms / 1000),
            turns=TurnSettings(vad_stop_s=options.vad_stop, silence_timeout_s=3600, max_duration_s=3600),
        ),
        carrier=carrier,
        policy=DialPolicy([]),
        admission=Admission(10_000),
        services=Services(listening, pacer, clock),
        bus=bus,
        archive=Archive(store.calls, clock),
        journal=journal,
        recorder=recorder,
        rules=Rules(phone_number="+12025550199"),
    )
    await exchange.serve_inbound(ServeInbound(first_message=""))
    calls = 0

    def accept(upgrade: MediaUpgrade, socket: MediaSocket) -> MediaSink | Refusal:
        nonlocal calls
        if upgrade.path != "/media":
            return Refusal(404, "Only /media is served.")
        calls += 1
        exchange.ring(InboundCall(f"bench-{calls}", "+12025550111", "+12025550199"))
        return exchange.stream(carrier.stream_url.rpartition("/")[2], socket) or Refusal(503, "No room.")

    lag = LoopLag()
    watching = asyncio.create_task(lag.run())
    app = FastAPI(openapi_url=None)

    @app.get("/lag")
    async def tell_lag() -> dict[str, float]:
        return lag.report()

    listener = Listener("127.0.0.1", options.port, setting="--port")
    await listener.start(app, ws=media_protocol(accept))
    print(json.dumps({"url": listener.url.replace("http", "ws") + "/media", "pid": os.getpid()}), flush=True)
    gc.collect()
    gc.freeze()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()
    watching.cancel()
    await exchange.drain(0.0)
    await listener.stop()
    await listening.stop()
    pacer.close()
    if recorder:
        await recorder.stop()
    await journal.close()
    await store.close()


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
