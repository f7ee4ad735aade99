"""What a media message costs on its way in and out: the Twilio codec, the framing, and the whole server.

The parts are timed alone, the best of several rounds; the server is `media_servers.py`'s, with real sockets.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from media_servers import MESSAGE, OURS, measure

from getpatter.audio.format import FRAME_BYTES
from getpatter.carriers.twilio.media import TwilioMediaCodec
from getpatter.server.frames import FrameParser, text_frame, unmask_in_python
from getpatter.testing.twilio_line import TwilioLineCodec

Row = tuple[str, float, str]

ROUNDS = 7
REPEATS = 5000


def per_message(work: Callable[[], object]) -> float:
    """Microseconds of CPU for one `work`."""
    best = float("inf")
    for _ in range(ROUNDS):
        begin = time.process_time_ns()
        for _ in range(REPEATS):
            work()
        best = min(best, time.process_time_ns() - begin)
    return best / 1000 / REPEATS


def codec() -> list[Row]:
    near, far = TwilioMediaCodec(), TwilioLineCodec("MZ" + "0" * 32, "CA" + "0" * 32)
    near.decode(far.start())
    audio = os.urandom(FRAME_BYTES)
    message = far.media(audio)
    return [
        ("Twilio media message in", per_message(lambda: near.decode(message)), "us/message"),
        ("Twilio media message out", per_message(lambda: near.play(audio)), "us/message"),
    ]


def framing() -> list[Row]:
    mask = os.urandom(4)
    frame = b"\x81\xfe" + len(MESSAGE).to_bytes(2, "big") + mask + unmask_in_python(MESSAGE, mask)
    parser = FrameParser()
    return [
        ("WebSocket frame in", per_message(lambda: parser.feed(frame)), "us/message"),
        ("WebSocket frame out", per_message(lambda: text_frame(MESSAGE)), "us/message"),
    ]


def server() -> list[Row]:
    return [("media server, one message in and one out", measure(OURS, seconds=3.0), "us/message")]


def rows() -> list[Row]:
    return codec() + framing() + server()


if __name__ == "__main__":
    for label, value, unit in rows():
        print(f"{label:<45}{value:>8.2f} {unit}")
