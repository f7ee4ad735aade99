"""What a media message costs on its way in and out: the Twilio codec and the framing, each timed alone, the best of
several rounds.  `media_servers.py` has the whole server."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from media_servers import MESSAGE

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


def rows() -> list[Row]:
    """(what, value, unit)"""
    return codec() + framing()


if __name__ == "__main__":
    for label, value, unit in rows():
        print(f"{label:<45}{value:>8.2f} {unit}")
