#!/usr/bin/env python3
"""A whole engine with a Twilio account and instant providers, which answers whoever rings.

    inbound_engine.py --account-sid AC... --auth-token ...

Prints one line of JSON with the URL of its carrier listener once it takes calls; ends by SIGTERM or SIGINT.  It never
asks Twilio anything but the end of calls, at an address where nobody is.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import socket
import tempfile
from pathlib import Path

import uvloop
from engine_server import instant_agent

from getpatter.calls.views import ServeInbound
from getpatter.carriers.twilio.account import Twilio
from getpatter.clock import SystemClock
from getpatter.server.engine import Engine
from getpatter.server.garbage import QuietGarbage
from getpatter.settings import Settings

NOWHERE = "http://127.0.0.1:9"
NUMBER = "+12025550123"
MAX_CALLS = 1000


def free_port() -> int:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        port: int = tried.getsockname()[1]
        return port


async def run(options: argparse.Namespace, home: Path) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    port = free_port()
    settings = Settings(
        home=home,
        port=0,
        carrier="twilio",
        carrier_port=port,
        public_url=f"http://127.0.0.1:{port}",
        phone_number=NUMBER,
        manage_webhook=False,
        max_calls=MAX_CALLS,
        record=False,
        drain_s=0.0,
    )
    account = Twilio(options.account_sid, options.auth_token, api_url=NOWHERE)
    async with Engine(settings, agent=instant_agent(0.2, 1000), account=account) as engine:
        await engine.switchboard.serve_inbound(ServeInbound(goal="Answer.", first_message="Hello."))
        garbage = QuietGarbage(SystemClock(), lambda: engine.live_calls)
        garbage.start()
        engine.bus.subscribe(garbage.listen)
        print(json.dumps({"url": engine.public_url}), flush=True)
        await stopped.wait()
        garbage.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--account-sid", required=True)
    parser.add_argument("--auth-token", required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="patter-bench-") as home:
        uvloop.run(run(options, Path(home)))


if __name__ == "__main__":
    main()
