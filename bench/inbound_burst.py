"""Fifty people ring within one second: `python bench/inbound_burst.py` prints a table.

Each call is Twilio's, by HTTP and WebSocket and with its signatures: the voice webhook, the answer document, the media
stream that the document names, and the agent's first audio on it.  A call counts as answered when that has come.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from uuid import uuid4

import httpx
from inbound_engine import NUMBER
from twilio.request_validator import RequestValidator
from websockets.asyncio.client import connect

from getpatter.testing.answer_document import read
from getpatter.testing.load import Spread
from getpatter.testing.twilio_line import TwilioLineCodec
from getpatter.testing.verbs import ConnectStream

SCRIPT = Path(__file__).with_name("inbound_engine.py")
ACCOUNT, TOKEN = "AC" + "1" * 32, "a token for measurements"
TIMEOUT_S = 30.0
STOP_S = 15.0


@dataclass(frozen=True, slots=True)
class Heard:
    """Milliseconds from the webhook's request to its document, and to the agent's first audio."""

    document_ms: float
    audio_ms: float


def rows(calls: int = 50, rounds: int = 5) -> list[tuple[str, float, str]]:
    """(label, value, unit) of each figure."""
    with engine() as url:
        asyncio.run(burst(url, 5))  # what is made at the first call is made
        heard = [one for _ in range(rounds) for one in asyncio.run(burst(url, calls))]
    answered = [one for one in heard if one is not None]
    document, audio = Spread.of(one.document_ms for one in answered), Spread.of(one.audio_ms for one in answered)
    rang = f"inbound: {calls} calls in one second"
    return [
        (f"{rang}, answered", 100.0 * len(answered) / len(heard), "%"),
        (f"{rang}, webhook to document, p50", document.p50, "ms"),
        (f"{rang}, webhook to document, p95", document.p95, "ms"),
        (f"{rang}, webhook to document, longest", document.max, "ms"),
        (f"{rang}, webhook to first audio, p95", audio.p95, "ms"),
    ]


@contextmanager
def engine() -> Iterator[str]:
    command = [sys.executable, str(SCRIPT), "--account-sid", ACCOUNT, "--auth-token", TOKEN]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise RuntimeError("The engine did not start.")
            yield json.loads(line)["url"]
            process.terminate()
            process.wait(STOP_S)
        finally:
            process.kill()


async def burst(url: str, calls: int) -> Sequence[Heard | None]:
    """Let `calls` callers ring, evenly within a second, and hang up when all were answered or given up."""
    limits = httpx.Limits(max_connections=calls, max_keepalive_connections=calls)
    hang_up = asyncio.Event()
    async with httpx.AsyncClient(trust_env=False, limits=limits, timeout=TIMEOUT_S) as client:
        callers = [Caller(client, url, hang_up) for _ in range(calls)]
        tasks = [asyncio.create_task(caller.ring(number / calls)) for number, caller in enumerate(callers)]
        await asyncio.gather(*(caller.settled.wait() for caller in callers))
        hang_up.set()
        await asyncio.gather(*tasks)
    return [caller.heard for caller in callers]


class Caller:
    def __init__(self, client: httpx.AsyncClient, url: str, hang_up: asyncio.Event) -> None:
        self.heard: Heard | None = None
        self.settled = asyncio.Event()
        self._client = client
        self._url = url
        self._hang_up = hang_up
        self._call_sid = f"CA{uuid4().hex}"
        self._fields = {
            "CallSid": self._call_sid,
            "AccountSid": ACCOUNT,
            "From": "+12025550150",
            "To": NUMBER,
            "CallStatus": "ringing",
            "ApiVersion": "2010-04-01",
            "Direction": "inbound",
        }

    async def ring(self, after_s: float) -> None:
        await asyncio.sleep(after_s)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await self._ring()
        except (httpx.HTTPError, OSError, TimeoutError) as failed:
            print(f"not answered: {type(failed).__name__} {failed}", file=sys.stderr)
        finally:
            self.settled.set()

    async def _ring(self) -> None:
        voice = f"{self._url}/webhooks/twilio/voice"
        fields = self._fields
        headers = {"X-Twilio-Signature": RequestValidator(TOKEN).compute_signature(voice, fields)}
        began = monotonic()
        response = await self._client.post(voice, data=fields, headers=headers)
        document_ms = (monotonic() - began) * 1000
        response.raise_for_status()
        document = read(response.content)[0]
        if not isinstance(document, ConnectStream):
            raise OSError("the call was turned away")
        await self._listen(document, began, document_ms)

    async def _listen(self, document: ConnectStream, began: float, document_ms: float) -> None:
        signature = RequestValidator(TOKEN).compute_signature(document.url.replace("ws://", "wss://", 1), {})
        line = TwilioLineCodec(f"MZ{uuid4().hex}", self._call_sid, document.parameters, ACCOUNT)
        async with connect(
            document.url, additional_headers={"X-Twilio-Signature": signature}, compression=None, proxy=None
        ) as stream:
            await stream.send(line.connected().decode())
            await stream.send(line.start().decode())
            async for message in stream:
                if b'"media"' in (message.encode() if isinstance(message, str) else message):
                    break
            self.heard = Heard(document_ms, (monotonic() - began) * 1000)
            self.settled.set()
            await self._hang_up.wait()
            await stream.send(line.stop().decode())
        await self._tell_end()

    async def _tell_end(self) -> None:
        """As Twilio does: an engine that is not told hangs up by itself."""
        status = f"{self._url}/webhooks/twilio/status"
        fields = {**self._fields, "CallStatus": "completed", "CallDuration": "1"}
        headers = {"X-Twilio-Signature": RequestValidator(TOKEN).compute_signature(status, fields)}
        (await self._client.post(status, data=fields, headers=headers)).raise_for_status()


if __name__ == "__main__":
    for label, value, unit in rows():
        print(f"{label:60} {value:10.2f} {unit}")
