"""What the stages of the audio path cost: microseconds of CPU per second of one call.

A call-second is 50 frames of 20 ms.  Each figure is the best of several rounds, since whatever else runs on the
machine only ever adds.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Sequence

import numpy as np

from getpatter.audio import g711
from getpatter.audio.activity import SpeechDetector
from getpatter.audio.format import FRAME_BYTES, FRAME_S, LINE
from getpatter.audio.resample import Resampler
from getpatter.audio.silero import Floats
from getpatter.audio.vad import Inference, SpeechModel, VoiceActivity, VoiceActivityModel
from getpatter.audio.wav import StereoRecorder

Row = tuple[str, float, str]

ROUNDS = 7
SECONDS = 2
"""Of each call in a round."""
FRAMES_PER_SECOND = round(1 / FRAME_S)
CONVERSIONS = ((24000, 8000), (22050, 8000), (48000, 8000), (8000, 16000), (8000, 24000))


class InstantModel:
    """Takes no time, so that what is left is our own doing."""

    def infer(self, samples: Floats, state: Floats, steps: Sequence[int]) -> Inference:
        return Inference(samples[:, 0], state)


def per_call_second(work: Callable[[], object], calls: int = 1) -> float:
    """Microseconds of CPU that `work`, which stands for `SECONDS` of `calls` calls, takes per call-second."""
    best = float("inf")
    for _ in range(ROUNDS):
        begin = time.process_time_ns()
        work()
        best = min(best, time.process_time_ns() - begin)
    return best / 1000 / SECONDS / calls


def frames(audio: bytes, size: int = FRAME_BYTES) -> list[bytes]:
    return [audio[at : at + size] for at in range(0, len(audio), size)]


def noise() -> bytes:
    samples = np.random.default_rng(0).normal(0, 2000, LINE.rate * SECONDS)
    return g711.encode(samples.astype("<i2").tobytes())


def codec(line: list[bytes]) -> list[Row]:
    pcm = [g711.decode(frame) for frame in line]
    return [
        ("G.711 decode", per_call_second(lambda: [g711.decode(frame) for frame in line]), "us/call-s"),
        ("G.711 encode", per_call_second(lambda: [g711.encode(frame) for frame in pcm]), "us/call-s"),
    ]


def resampling(source: int, target: int) -> Row:
    resampler = Resampler(source, target)
    chunks = frames(bytes(2 * source * SECONDS), 2 * source // FRAMES_PER_SECOND)
    cost = per_call_second(lambda: [resampler.feed(chunk) for chunk in chunks])
    return (f"resample {source / 1000:g} to {target / 1000:g} kHz", cost, "us/call-s")


def voice_activity(model: SpeechModel, calls: int, line: list[bytes]) -> float:
    """From the frame to the detector, the windows of all calls ready at once."""
    activity = VoiceActivity(model)
    streams = [activity.open(SpeechDetector(start_s=0.064, stop_s=0.5).feed) for _ in range(calls)]

    def work() -> None:
        for frame in line:
            for stream in streams:
                stream.feed(frame)
            while (batch := activity.collect()) is not None:
                activity.deliver(batch, activity.run(batch))

    return per_call_second(work, calls)


def voice_activity_rows(line: list[bytes]) -> list[Row]:
    model = VoiceActivityModel()
    rows = []
    for calls in (1, 16, 64):
        rows.append((f"VAD, {calls} a batch", voice_activity(model, calls, line), "us/call-s"))
        rows.append(
            (f"VAD, {calls} a batch, without the model", voice_activity(InstantModel(), calls, line), "us/call-s")
        )
    return rows


def voice_activity_memory() -> Row:
    activity = VoiceActivity(InstantModel())
    calls = 1024
    tracemalloc.start()
    streams = [activity.open(SpeechDetector(start_s=0.064, stop_s=0.5).feed) for _ in range(calls)]
    for stream in streams:
        stream.feed(bytes(FRAME_BYTES))
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return ("VAD memory", used / 1024 / calls, "kB/call")


def recording(line: list[bytes]) -> Row:
    """Both sides written frame by frame and taken every half second."""
    recorder = StereoRecorder()
    sent = 0

    def work() -> None:
        nonlocal sent
        for frame in line:
            at_s = sent * FRAME_S
            recorder.caller(frame, at_s)
            recorder.agent(frame, at_s)
            sent += 1
            if sent % (FRAMES_PER_SECOND // 2) == 0:
                recorder.take(at_s)

    return ("recording, both sides", per_call_second(work), "us/call-s")


def rows() -> list[Row]:
    """(what, value, unit)"""
    line = frames(noise())
    return [
        *codec(line),
        *(resampling(source, target) for source, target in CONVERSIONS),
        *voice_activity_rows(line),
        voice_activity_memory(),
        recording(line),
    ]


def main() -> None:
    for what, value, unit in rows():
        print(f"{what:<40}{value:>10.1f} {unit}")


if __name__ == "__main__":
    main()
