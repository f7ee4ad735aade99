"""What the voice activity detection alone takes to see that a caller of the load test began, or ended, to speak.

The real model and detector hear the callers' clips frame by frame, without an engine, a socket or a clock: the time is
that of the audio, and computing takes none.  An engine cannot be faster than this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from getpatter.agent import TurnSettings
from getpatter.audio.activity import SpeechDetector
from getpatter.audio.format import FRAME_BYTES, FRAME_S
from getpatter.audio.vad import SpeechModel, VoiceActivity, VoiceActivityModel
from getpatter.testing.clips import load_clip
from getpatter.testing.load import SPEECH, Spread
from getpatter.testing.speech import line_noise

LEADS = range(50, 90)
"""Frames of noise before the words.  Eight frames are five windows, so each way in which frames can lie to windows
comes five times, with other noise around the words: where these end, the noise moves the decision by a window."""


@dataclass(frozen=True, slots=True)
class VadFloor:
    """Milliseconds, over all clips and leads."""

    began_ms: Spread
    """First frame of the words sent → speech detected."""
    ended_ms: Spread
    """Last frame of the words sent → their end detected."""


def vad_floor(vad_stop_s: float) -> VadFloor:
    """`vad_stop_s` is the silence that ends a turn."""
    model, settings = VoiceActivityModel(), TurnSettings(vad_stop_s=vad_stop_s)
    began, ended = [], []
    for clip in (clip for voice, text in SPEECH if (clip := load_clip(voice, text))):
        words = [clip[at : at + FRAME_BYTES] for at in range(0, len(clip), FRAME_BYTES)]
        for lead, edges in zip(LEADS, _edges(model, settings, words), strict=True):
            began.append((edges[0] - lead) * FRAME_S * 1000)
            ended.append((edges[-1] - lead - len(words) + 1) * FRAME_S * 1000)
    return VadFloor(Spread.of(began), Spread.of(ended))


class _Ear:
    """Keeps the number of each frame with which speech began or ended."""

    def __init__(self, settings: TurnSettings) -> None:
        self.frame = 0
        self.edges: list[int] = []
        self._detector = SpeechDetector(start_s=settings.vad_start_s, stop_s=settings.vad_stop_s)

    def on_probability(self, probability: float) -> None:
        if self._detector.feed(probability):
            self.edges.append(self.frame)


def _edges(model: SpeechModel, settings: TurnSettings, words: Sequence[bytes]) -> list[list[int]]:
    """Of each lead, side by side as calls are."""
    activity = VoiceActivity(model)
    ears = [_Ear(settings) for _ in LEADS]
    streams = [activity.open(ear.on_probability) for ear in ears]
    noise = line_noise()
    frames = LEADS[-1] + len(words) + ceil(settings.vad_stop_s / FRAME_S) + len(noise)
    for frame in range(frames):
        for lead, ear, stream in zip(LEADS, ears, streams, strict=True):
            ear.frame = frame
            said = words[frame - lead] if 0 <= frame - lead < len(words) else b""
            stream.feed(said + noise[frame % len(noise)][len(said) :])
        while (batch := activity.collect()) is not None:
            activity.deliver(batch, activity.run(batch))
    return [ear.edges for ear in ears]
