"""What a starting engine does as others see it: takes the lock, listens, announces itself, answers /health."""

from __future__ import annotations

import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from getpatter.control.beacon import EngineBeacon
from getpatter.errors import ConfigurationError


class Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()


def main() -> None:
    home = Path(os.environ["PATTER_HOME"])
    sys.stderr.write(f"engine of {home}, session {os.getsid(0)}\n")
    if "--broken" in sys.argv:
        sys.exit("the port is taken")
    try:
        with EngineBeacon(home).held() as beacon:
            run(beacon)
    except ConfigurationError as refused:
        sys.exit(refused.message)


def run(beacon: EngineBeacon) -> None:
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    if "--silent" in sys.argv:
        signal.pause()
    with HTTPServer(("127.0.0.1", 0), Health) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        beacon.announce(private_url=url, carrier_url=url, token="token")
        server.serve_forever()


main()
