from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from getpatter.audio import g711
from getpatter.audio.filters.chain import FilterChain
from getpatter.audio.filters.webrtc import EchoCancellation, NoiseSuppression
from getpatter.audio.format import FRAME_BYTES
from getpatter.errors import ConfigurationError

Made = Callable[..., Any]


@pytest.fixture
def livekit() -> None:
    pytest.importorskip("livekit.rtc", reason="the extra `sound` is not installed")


@pytest.fixture
def speech(synthesised: list[bytes]) -> Any:
    """Eight seconds, at the level of a telephone."""
    pcm = g711.decode(b"".join(synthesised))[: 2 * 64000]
    return np.frombuffer(pcm, "<i2").astype(float)


def lag(output: Any, source: Any) -> float:
    """By how much the output is late, in seconds."""
    return float(np.argmax(np.correlate(output, source, "full")) - (len(source) - 1)) / 8000


@pytest.mark.usefixtures("livekit")
def test_steady_noise_is_lowered_and_speech_is_not(run: Made, noise: Made, dbfs: Made, speech: Any) -> None:
    assert dbfs(run(NoiseSuppression().open(), noise(4.0, -40))[16000:]) < -50
    output = run(NoiseSuppression().open(), speech)
    assert dbfs(output) == pytest.approx(dbfs(speech), abs=2)


@pytest.mark.usefixtures("livekit")
def test_the_delay_is_the_one_that_is_stated(run: Made, speech: Any) -> None:
    suppressed = run(NoiseSuppression().open(), speech)
    assert lag(suppressed, speech) == pytest.approx(NoiseSuppression.delay_s, abs=0.002)
    passed = run(EchoCancellation().open(), speech, reference=np.zeros_like(speech))
    assert lag(passed, speech) == pytest.approx(EchoCancellation.delay_s, abs=0.002)


@pytest.mark.usefixtures("livekit")
@pytest.mark.parametrize("late_s", [0.06, 0.3])
def test_the_agents_own_words_do_not_come_back(speech: Any, noise: Made, dbfs: Made, late_s: float) -> None:
    failures: list[str] = []
    chain = FilterChain([EchoCancellation()], lambda name, _: failures.append(name))
    echo = 0.3 * np.concatenate((np.zeros(round(late_s * 8000)), speech))[: len(speech)]
    heard = g711.encode((echo + noise(8.0, -66)).astype("<i2").tobytes())
    played = g711.encode(speech.astype("<i2").tobytes())
    output = bytearray()
    for at in range(0, len(heard), FRAME_BYTES):
        chain.agent_audio(played[at : at + FRAME_BYTES])
        output += chain.process(heard[at : at + FRAME_BYTES])
    before, after = (np.frombuffer(g711.decode(bytes(line)), "<i2").astype(float) for line in (heard, output))
    assert dbfs(before[32000:]) - dbfs(after[32000:]) > 20
    chain.close()
    assert failures == []


@pytest.mark.usefixtures("livekit")
def test_the_caller_is_heard_while_the_agent_speaks(run: Made, speech: Any, dbfs: Made) -> None:
    """No echo at all, both speak: the canceller takes nothing for it."""
    output = run(EchoCancellation().open(), speech, reference=speech[::-1])
    assert dbfs(output) == pytest.approx(dbfs(speech), abs=3)


@pytest.mark.parametrize("make", [NoiseSuppression, EchoCancellation])
def test_without_the_package_it_is_named(make: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "livekit.rtc", None)
    with pytest.raises(ConfigurationError, match="livekit") as refused:
        make()
    assert refused.value.next_step == "Install it: pip install 'patter-mcp[sound]'"
