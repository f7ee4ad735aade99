"""What filters, detectors and the background cost: microseconds of CPU per second of one call.

Frames are of 20 ms, one at a time, as a call brings them; the sound is synthesised speech, which the detectors refuse
later than noise or silence.  A filter alone takes pcm16; "the chain around it" is decoding, encoding and the guard.
The best of several rounds counts.  Packages that are not installed are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import resources

from audio_path import FRAMES_PER_SECOND, SECONDS, Row, frames, per_call_second

from getpatter.audio import g711
from getpatter.audio.background import BackgroundAudio
from getpatter.audio.beep import BeepDetector
from getpatter.audio.dtmf import DtmfDetector
from getpatter.audio.filters.base import AudioFilter
from getpatter.audio.filters.chain import FilterChain
from getpatter.audio.filters.deepfilternet import DeepFilterNetFilter
from getpatter.audio.filters.gain import AutomaticGain
from getpatter.audio.filters.high_pass import HighPass
from getpatter.audio.filters.webrtc import EchoCancellation, NoiseSuppression
from getpatter.audio.format import FRAME_BYTES, SILENCE
from getpatter.errors import ConfigurationError

SILENT = [bytes([SILENCE]) * FRAME_BYTES] * (SECONDS * FRAMES_PER_SECOND)
FILTERS: tuple[Callable[[], AudioFilter], ...] = (
    HighPass,
    AutomaticGain,
    NoiseSuppression,
    EchoCancellation,
    DeepFilterNetFilter,
)


class Nothing:
    """A filter that does nothing, and its stream: what is left is the chain's own."""

    name = "nothing"
    delay_s = 0.0
    wants_reference = False

    def open(self) -> Nothing:
        return self

    def process(self, pcm: bytes) -> bytes:
        return pcm

    def reference(self, pcm: bytes) -> None:
        """Not used."""

    def reset(self) -> None:
        """Nothing to forget."""

    def close(self) -> None:
        """Nothing to free."""


def speech() -> list[bytes]:
    clips = resources.files("getpatter.testing").joinpath("clips").iterdir()
    audio = b"".join(clip.read_bytes() for clip in sorted(clips, key=str) if clip.name.endswith(".ulaw"))
    return frames(audio)[: SECONDS * FRAMES_PER_SECOND]


def installed_filters() -> Iterator[AudioFilter]:
    for make in FILTERS:
        try:
            yield make()
        except ConfigurationError:
            continue


def filtering(settings: AudioFilter, line: list[bytes]) -> Row:
    stream = settings.open()
    pcm = [g711.decode(frame) for frame in line]

    def work() -> None:
        for frame in pcm:
            if settings.wants_reference:
                stream.reference(frame)
            stream.process(frame)

    return (f"filter {settings.name}", per_call_second(work), "us/call-s")


def chain(line: list[bytes]) -> list[Row]:
    idle = FilterChain([_Canceller()], _fail)
    busy = FilterChain([Nothing()], _fail)
    return [
        ("the chain around a filter", per_call_second(lambda: [busy.process(frame) for frame in line]), "us/call-s"),
        (
            "echo cancellation while the agent is silent",
            per_call_second(lambda: [idle.process(frame) for frame in line]),
            "us/call-s",
        ),
    ]


class _Canceller(Nothing):
    wants_reference = True


def _fail(name: str, error: Exception) -> None:
    raise error


def fed(what: str, feed: Callable[[bytes], object], line: list[bytes]) -> list[Row]:
    return [
        (f"{what}, in speech", per_call_second(lambda: [feed(frame) for frame in line]), "us/call-s"),
        (f"{what}, in silence", per_call_second(lambda: [feed(frame) for frame in SILENT]), "us/call-s"),
    ]


def rows() -> list[Row]:
    """(what, value, unit)"""
    line = speech()
    return [
        *(filtering(settings, line) for settings in installed_filters()),
        *chain(line),
        *fed("keys", DtmfDetector().feed, line),
        *fed("beep", BeepDetector().feed, line),
        *fed("background", BackgroundAudio().open().mix, line),
    ]


def main() -> None:
    for what, value, unit in rows():
        print(f"{what:<46}{value:>12.1f} {unit}")


if __name__ == "__main__":
    main()
