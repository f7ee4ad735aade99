from __future__ import annotations

import sys

import numpy as np
import pytest

from getpatter.audio.activity import SpeechDetector
from getpatter.audio.format import FRAME_BYTES
from getpatter.audio.g711 import MULAW_TO_FLOAT, MULAW_TO_PCM16, encode
from getpatter.audio.silero import STATE
from getpatter.audio.vad import (
    CONTEXT,
    LEAD_WINDOWS,
    MAX_BATCH,
    MAX_WINDOWS,
    SETTLED_WINDOWS,
    SILENCE_RMS,
    WINDOW,
    Batch,
    VoiceActivity,
    VoiceActivityModel,
    VoiceStream,
)

LOUD = b"\x0f"
"""A sample that no gate takes for silence."""


@pytest.fixture
def activity(model: VoiceActivityModel) -> VoiceActivity:
    return VoiceActivity(model)


def run_all(activity: VoiceActivity) -> list[int]:
    """Judge whatever is ready; the streams in each batch."""
    sizes = []
    while (batch := activity.collect()) is not None:
        activity.deliver(batch, activity.run(batch))
        sizes.append(len(batch.claims))
    return sizes


def windows_judged(activity: VoiceActivity) -> int:
    """Judge whatever is ready; how many windows the model was asked about."""
    count = 0
    while (batch := activity.collect()) is not None:
        activity.deliver(batch, activity.run(batch))
        count += sum(claim.windows for claim in batch.claims)
    return count


def collected(activity: VoiceActivity) -> Batch:
    batch = activity.collect()
    assert batch is not None
    return batch


def feed_frames(stream: VoiceStream, ulaw: bytes) -> None:
    for at in range(0, len(ulaw), FRAME_BYTES):
        stream.feed(ulaw[at : at + FRAME_BYTES])


def alone(model: VoiceActivityModel, ulaw: bytes, *, silence_rms: int = 0) -> list[float]:
    """What one stream hears that has the model to itself; by default it is asked about every window."""
    activity = VoiceActivity(model, silence_rms=silence_rms)
    heard: list[float] = []
    activity.open(heard.append).feed(ulaw)
    run_all(activity)
    return heard


def together(model: VoiceActivityModel, tracks: list[bytes]) -> list[list[float]]:
    """What each of many streams hears, all in the same batches but for the shorter ones' ends."""
    activity = VoiceActivity(model, silence_rms=0)
    heard: list[list[float]] = [[] for _ in tracks]
    for track, ear in zip(tracks, heard, strict=True):
        feed_frames(activity.open(ear.append), track)
    assert max(run_all(activity)) == len(tracks)
    return heard


def by_definition(model: VoiceActivityModel, ulaw: bytes) -> list[float]:
    """Window after window, context and state carried by hand."""
    samples = np.concatenate((np.zeros(CONTEXT, np.float32), MULAW_TO_FLOAT[np.frombuffer(ulaw, np.uint8)]))
    state = np.zeros((2, 1, STATE), np.float32)
    probabilities = []
    for at in range(0, len(ulaw) - WINDOW + 1, WINDOW):
        result = model.infer(samples[None, at : at + CONTEXT + WINDOW], state, [1])
        state = result.state
        probabilities.append(float(result.probabilities[0]))
    return probabilities


# -- what is heard ----------------------------------------------------------------------------------------------


def test_each_stream_of_a_batch_hears_what_it_would_hear_alone(model: VoiceActivityModel, babble: list[bytes]) -> None:
    heard = together(model, babble)
    for track, ear in zip(babble, heard, strict=True):
        assert ear == pytest.approx(alone(model, track), abs=1e-5)
        assert ear == pytest.approx(by_definition(model, track), abs=1e-5)
    assert max(abs(a - b) for a, b in zip(heard[0], heard[1], strict=True)) > 0.1  # else the above says nothing


def test_recorded_speech_in_a_batch_is_heard_as_alone(model: VoiceActivityModel, recorded: list[bytes]) -> None:
    for track, ear in zip(recorded, together(model, recorded), strict=True):
        assert ear == pytest.approx(alone(model, track), abs=1e-5)


def test_recorded_speech_begins_and_ends_where_it_does(model: VoiceActivityModel, recorded: list[bytes]) -> None:
    for track in recorded:
        detector = SpeechDetector(start_s=0.064, stop_s=0.5)
        silence = b"\xff" * 8000
        edges = [edge for p in alone(model, silence + track + silence) if (edge := detector.feed(p))]
        assert edges == ["started", "ended"]


def test_silence_is_no_speech(model: VoiceActivityModel) -> None:
    assert max(alone(model, b"\xff" * 16000)) < 0.1


def edges_of(probabilities: list[float]) -> list[tuple[int, str]]:
    """When speech begins and ends, in windows."""
    detector = SpeechDetector(start_s=0.064, stop_s=0.3)
    return [(at, edge) for at, p in enumerate(probabilities) if (edge := detector.feed(p))]


@pytest.mark.parametrize("attenuation_db", [0, 10])
def test_not_asking_about_silence_changes_no_edge_of_speech(
    model: VoiceActivityModel, recorded: list[bytes], attenuation_db: int
) -> None:
    noise = np.random.default_rng(3)
    for track in recorded:
        speech = MULAW_TO_PCM16[np.frombuffer(track, np.uint8)] * 10 ** (-attenuation_db / 20)
        pause = np.zeros(8000)
        line = np.concatenate((pause, speech, pause, speech, pause))
        ulaw = encode((line + noise.normal(0, 16, len(line))).astype("<i2").tobytes())
        asked, rested = edges_of(alone(model, ulaw)), edges_of(alone(model, ulaw, silence_rms=SILENCE_RMS))
        assert [edge for _, edge in asked] == [edge for _, edge in rested]
        for (with_model, _), (without, _) in zip(asked, rested, strict=True):
            assert abs(with_model - without) <= 1, "not a window later"


def test_a_line_that_is_quiet_costs_no_inference(model: VoiceActivityModel) -> None:
    activity = VoiceActivity(model)
    heard: list[float] = []
    activity.open(heard.append).feed(b"\xff" * 100 * WINDOW)
    assert run_all(activity) == []
    assert heard == [0.0] * 100


def test_the_model_hears_the_beginning_of_silence(activity: VoiceActivity) -> None:
    stream = activity.open(lambda _: None)
    stream.feed(LOUD * WINDOW + b"\xff" * 100 * WINDOW)
    assert windows_judged(activity) == 1 + SETTLED_WINDOWS


def test_a_model_that_wakes_is_given_the_silence_before(activity: VoiceActivity) -> None:
    heard: list[float] = []
    stream = activity.open(heard.append)
    stream.feed(b"\xff" * 20 * WINDOW)
    assert run_all(activity) == []
    stream.feed(LOUD * WINDOW)
    assert windows_judged(activity) == LEAD_WINDOWS + 1
    assert len(heard) == 21, "and each window is told once"


def test_a_window_needs_256_samples(activity: VoiceActivity) -> None:
    heard: list[float] = []
    stream = activity.open(heard.append)
    for size, windows in ((255, 0), (1, 1), (511, 2), (0, 2), (1, 3)):
        stream.feed(LOUD * size)
        run_all(activity)
        assert len(heard) == windows


# -- batches ----------------------------------------------------------------------------------------------------


def test_nothing_ready_is_no_batch(activity: VoiceActivity) -> None:
    activity.open(lambda _: None).feed(LOUD * 255)
    assert activity.collect() is None


def test_a_batch_is_bounded_and_takes_turns(activity: VoiceActivity) -> None:
    order: list[int] = []

    def noted(number: int) -> VoiceStream:
        return activity.open(lambda _: order.append(number))

    streams = [noted(number) for number in range(MAX_BATCH + 6)]
    for stream in streams:
        stream.feed(LOUD * 2 * WINDOW)
    assert run_all(activity) == [MAX_BATCH, 6]
    assert order == [number for number in range(MAX_BATCH + 6) for _ in range(2)]


def test_a_stream_is_in_one_batch_at_a_time_with_a_bound_of_windows(activity: VoiceActivity) -> None:
    heard: list[float] = []
    activity.open(heard.append).feed(LOUD * (2 * MAX_WINDOWS + 1) * WINDOW)
    first = collected(activity)
    assert first.claims[0].windows == MAX_WINDOWS
    assert activity.collect() is None
    activity.deliver(first, activity.run(first))
    assert len(heard) == MAX_WINDOWS
    assert run_all(activity) == [1, 1]
    assert len(heard) == 2 * MAX_WINDOWS + 1


def test_streams_may_come_while_a_batch_is_in_flight(
    model: VoiceActivityModel, activity: VoiceActivity, babble: list[bytes]
) -> None:
    heard: list[float] = []
    activity.open(heard.append).feed(babble[0])
    batch = collected(activity)
    others = [activity.open(lambda _: None) for _ in range(200)]  # more than there is room for
    activity.deliver(batch, activity.run(batch))
    run_all(activity)
    assert len(others) + 1 == activity.open_streams
    assert heard == pytest.approx(alone(model, babble[0]), abs=1e-5)


def test_a_discarded_batch_costs_its_windows_only(
    model: VoiceActivityModel, activity: VoiceActivity, babble: list[bytes]
) -> None:
    heard: list[float] = []
    activity.open(heard.append).feed(babble[0])
    lost = collected(activity)
    activity.discard(lost)
    run_all(activity)
    assert len(heard) == len(babble[0]) // WINDOW - lost.claims[0].windows


def test_a_listener_that_fails_harms_no_other(activity: VoiceActivity, caplog: pytest.LogCaptureFixture) -> None:
    heard: list[float] = []

    def fail(probability: float) -> None:
        raise RuntimeError("no")

    for listener in (fail, heard.append):
        activity.open(listener).feed(LOUD * 2 * WINDOW)
    run_all(activity)
    assert len(heard) == 2
    assert [record.exc_info is not None for record in caplog.records] == [True, True]


# -- reset and close --------------------------------------------------------------------------------------------


def test_after_a_reset_a_stream_hears_as_if_new(
    model: VoiceActivityModel, activity: VoiceActivity, babble: list[bytes]
) -> None:
    heard: list[float] = []
    stream = activity.open(heard.append)
    stream.feed(babble[0])
    run_all(activity)
    stream.feed(babble[1][:1000])
    heard.clear()
    stream.reset()
    stream.feed(babble[2])
    run_all(activity)
    assert heard == pytest.approx(alone(model, babble[2]), abs=1e-5)


def test_a_stream_reset_in_flight_hears_nothing_of_that_batch(
    model: VoiceActivityModel, activity: VoiceActivity, babble: list[bytes]
) -> None:
    heard: list[float] = []
    stream = activity.open(heard.append)
    stream.feed(babble[0])
    batch = collected(activity)
    stream.reset()
    stream.feed(babble[1])
    activity.deliver(batch, activity.run(batch))
    assert heard == []
    run_all(activity)
    assert heard == pytest.approx(alone(model, babble[1]), abs=1e-5)


def test_a_stream_closed_in_flight_leaves_its_place_clean(
    model: VoiceActivityModel, activity: VoiceActivity, babble: list[bytes]
) -> None:
    gone: list[float] = []
    stream = activity.open(gone.append)
    stream.feed(babble[0])
    batch = collected(activity)
    stream.close()
    heard: list[float] = []
    successor = activity.open(heard.append)
    successor.feed(babble[1])
    activity.deliver(batch, activity.run(batch))
    run_all(activity)
    assert gone == []
    assert heard == pytest.approx(alone(model, babble[1]), abs=1e-5)


def test_listeners_may_close_and_reset_each_other(activity: VoiceActivity) -> None:
    heard: list[str] = []
    streams: list[VoiceStream] = []

    def first(probability: float) -> None:
        heard.append("first")
        streams[0].close()
        streams[1].close()
        streams[2].reset()

    streams += [activity.open(first), activity.open(lambda _: heard.append("second"))]
    streams.append(activity.open(lambda _: heard.append("third")))
    for stream in streams:
        stream.feed(LOUD * 2 * WINDOW)
    run_all(activity)
    assert heard == ["first"]
    assert activity.open_streams == 1


def test_a_closed_stream_takes_no_more_audio(activity: VoiceActivity) -> None:
    stream = activity.open(lambda _: None)
    stream.feed(LOUD * WINDOW)
    stream.close()
    stream.close()
    stream.reset()
    for _ in range(100):
        stream.feed(LOUD * FRAME_BYTES)
    assert activity.collect() is None
    assert activity.open_streams == 0
    assert sys.getsizeof(stream._audio) < 2000
