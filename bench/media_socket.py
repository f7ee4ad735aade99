"""What a media message costs on its way in and out: the Twilio codec, the framing and the kernel, each timed alone, the
best of several rounds.  `media_servers.py` has the whole server."""

from __future__ import annotations

import os
import socket
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


def kernel() -> list[Row]:
    """System calls on a TCP connection over the loopback interface, where to send is to deliver, too."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as far:
        near, _ = server.accept()
        with near:
            near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            both = per_message(lambda: (near.send(MESSAGE), far.recv(16_384)))
            far.setblocking(False)
            for _ in range(REPEATS):
                near.send(MESSAGE[:8])
            size = len(MESSAGE[:8])
            read = per_message_once(lambda: os.read(far.fileno(), size))
    return [
        ("kernel: message sent and received", both, "us/message"),
        ("kernel: of that, received", read, "us/message"),
    ]


def per_message_once(work: Callable[[], object]) -> float:
    """As `per_message`, of a work that can be done `REPEATS` times and no more."""
    begin = time.process_time_ns()
    for _ in range(REPEATS):
        work()
    return (time.process_time_ns() - begin) / 1000 / REPEATS


def rows() -> list[Row]:
    """(what, value, unit)"""
    return codec() + framing() + kernel()


if __name__ == "__main__":
    for label, value, unit in rows():
        print(f"{label:<45}{value:>8.2f} {unit}")
