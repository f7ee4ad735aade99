from __future__ import annotations

import io
import wave
from typing import TYPE_CHECKING

import pytest

from getpatter.audio.format import FRAME_S
from getpatter.testing.far_end import FarEnd
from getpatter.testing.parties import parse_party
from getpatter.testing.recordings import Recording
from getpatter.testing.speech import prepare

if TYPE_CHECKING:
    from tests.testing.conftest import InstantListener


@pytest.mark.parametrize("channels", [1, 2])
async def test_a_recording_has_both_sides_from_its_beginning_to_its_end(
    listener: InstantListener, channels: int
) -> None:
    party = parse_party('number: "+12025550150"\nname: Sam\nsteps: [{pause: 1000}]', source="test")
    far_end = FarEnd(party, await prepare(party), None, listener)

    def run(frames: int) -> None:
        for _ in range(frames):
            far_end.tick(len(far_end.said) / 160 * FRAME_S)

    run(5)
    recording = Recording(far_end, channels)
    run(10)
    assert recording.duration_s == pytest.approx(0.2)
    recording.stop()
    recording.stop()
    run(5)
    with wave.open(io.BytesIO(recording.wav())) as file:
        assert (file.getnchannels(), file.getnframes(), file.getframerate()) == (channels, 1600, 8000)
