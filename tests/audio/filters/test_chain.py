from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from getpatter.audio import g711
from getpatter.audio.filters.base import AudioFilter
from getpatter.audio.filters.chain import ECHO_TAIL_S, FilterChain, open_chain
from getpatter.audio.format import FRAME_BYTES, FRAME_S, SILENCE

SPEECH = bytes(range(128, 128 + FRAME_BYTES // 2)) * 2
QUIET = bytes([SILENCE]) * FRAME_BYTES
TAIL_FRAMES = round(ECHO_TAIL_S / FRAME_S)


@dataclass(eq=False)
class Recorder:
    """A filter, and its only stream, that notes what it is given; it silences all sound."""

    name: str = "recorder"
    delay_s: float = 0.0
    wants_reference: bool = False
    breaks: str = ""
    """The method that fails."""
    calls: list[str] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)
    references: list[bytes] = field(default_factory=list)

    def open(self) -> Recorder:
        self._called("open")
        return self

    def process(self, pcm: bytes) -> bytes:
        self._called("process")
        self.heard.append(pcm)
        return bytes(len(pcm) - (2 if self.breaks == "length" else 0))

    def reference(self, pcm: bytes) -> None:
        self._called("reference")
        self.references.append(g711.encode(pcm))

    def reset(self) -> None:
        self._called("reset")

    def close(self) -> None:
        self._called("close")

    def _called(self, method: str) -> None:
        self.calls.append(method)
        if method == self.breaks:
            raise RuntimeError(f"{method} broke")


@dataclass
class Failures:
    told: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, name: str, error: Exception) -> None:
        self.told.append((name, str(error)))


@pytest.fixture
def failures() -> Failures:
    return Failures()


def chain_of(*filters: AudioFilter, failures: Failures | None = None) -> FilterChain:
    chain = open_chain(filters, failures or Failures())
    assert chain is not None
    return chain


def test_without_filters_there_is_no_chain(failures: Failures) -> None:
    assert open_chain([], failures) is None


def test_filters_run_in_their_order_on_the_output_of_the_one_before() -> None:
    first, second = Recorder("first", delay_s=0.01), Recorder("second", delay_s=0.02)
    chain = chain_of(first, second)
    assert chain.process(SPEECH) == QUIET
    assert first.heard == [g711.decode(SPEECH)]
    assert second.heard == [bytes(2 * FRAME_BYTES)]
    assert chain.names == ["first", "second"]
    assert chain.delay_s == pytest.approx(0.03)


def test_filters_are_given_whole_frames_however_audio_is_cut() -> None:
    recorder = Recorder()
    chain = chain_of(recorder)
    outputs = [len(chain.process(bytes(size))) for size in (100, 100, 700, 60, 0)]
    assert outputs == [0, FRAME_BYTES, 640, FRAME_BYTES, 0]
    assert [len(pcm) for pcm in recorder.heard] == [320, 1280, 320]


# -- failures


@pytest.mark.parametrize("breaks", ["process", "length"])
def test_a_filter_that_fails_is_taken_out_and_told_once(failures: Failures, breaks: str) -> None:
    broken, sound = Recorder("broken", breaks=breaks), Recorder("sound")
    chain = chain_of(broken, sound, failures=failures)
    assert chain.process(SPEECH) == QUIET
    assert chain.process(SPEECH) == QUIET
    assert sound.heard == [g711.decode(SPEECH)] * 2  # as it was before the broken one
    assert [name for name, _ in failures.told] == ["broken"]
    assert broken.calls == ["open", "process", "close"]
    assert chain.names == ["sound"]


def test_the_sound_passes_unchanged_once_no_filter_is_left(failures: Failures) -> None:
    chain = chain_of(Recorder(breaks="process"), failures=failures)
    chain.process(SPEECH[:100])
    assert chain.process(SPEECH[100:]) == SPEECH
    assert chain.process(SPEECH[:7]) == SPEECH[:7]
    assert failures.told == [("recorder", "process broke")]


def test_a_filter_that_cannot_be_opened_does_not_cost_the_call(failures: Failures) -> None:
    chain = chain_of(Recorder(breaks="open"), failures=failures)
    assert failures.told == [("recorder", "open broke")]
    assert chain.process(SPEECH) == SPEECH


def test_a_filter_that_fails_at_reset_is_taken_out(failures: Failures) -> None:
    other = Recorder("other")
    chain = chain_of(Recorder(breaks="reset"), other, failures=failures)
    chain.reset()
    assert chain.names == ["other"]
    assert other.calls == ["open", "reset"]
    assert failures.told == [("recorder", "reset broke")]


def test_a_filter_that_fails_at_closing_does_not_keep_the_others_open(failures: Failures) -> None:
    other = Recorder("other")
    chain = chain_of(Recorder(breaks="close"), other, failures=failures)
    chain.close()
    chain.close()
    assert other.calls == ["open", "close"]
    assert failures.told == [("recorder", "close broke")]


def test_a_reset_drops_the_incomplete_frame() -> None:
    recorder = Recorder()
    chain = chain_of(recorder)
    chain.process(SPEECH[:100])
    chain.reset()
    assert chain.process(SPEECH) == QUIET
    assert recorder.heard == [g711.decode(SPEECH)]


# -- echo


def test_echo_is_cancelled_only_while_the_agent_is_heard_and_half_a_second_longer() -> None:
    canceller = Recorder(wants_reference=True)
    chain = chain_of(canceller)
    assert chain.process(SPEECH) == SPEECH
    chain.agent_audio(SPEECH * 2)
    outputs = [chain.process(SPEECH) for _ in range(2 + TAIL_FRAMES + 3)]
    assert outputs == [QUIET] * (2 + TAIL_FRAMES) + [SPEECH] * 3
    assert canceller.references == [SPEECH] * 2 + [QUIET] * TAIL_FRAMES


def test_the_reference_is_used_up_at_the_callers_pace() -> None:
    canceller = Recorder(wants_reference=True)
    chain = chain_of(canceller)
    chain.agent_audio(SPEECH + SPEECH[:80])
    chain.process(SPEECH)
    chain.agent_audio(SPEECH)
    chain.process(SPEECH * 2)
    assert b"".join(canceller.references) == SPEECH + SPEECH[:80] + SPEECH + QUIET[:80]


def test_what_the_carrier_dropped_is_no_reference() -> None:
    canceller = Recorder(wants_reference=True)
    chain = chain_of(canceller)
    chain.agent_audio(SPEECH * 50)
    chain.process(SPEECH)
    chain.agent_cleared()
    outputs = [chain.process(SPEECH) for _ in range(TAIL_FRAMES + 1)]
    assert outputs == [QUIET] * TAIL_FRAMES + [SPEECH]


def test_other_filters_run_all_the_time_and_get_no_reference() -> None:
    canceller, suppressor = Recorder("canceller", wants_reference=True), Recorder("suppressor")
    chain = chain_of(canceller, suppressor)
    chain.process(SPEECH)
    assert (canceller.heard, suppressor.heard) == ([], [g711.decode(SPEECH)])
    chain.agent_audio(SPEECH)
    chain.process(SPEECH)
    assert canceller.heard == [g711.decode(SPEECH)]
    assert suppressor.references == []


def test_a_reference_that_runs_far_ahead_is_bounded() -> None:
    canceller = Recorder(wants_reference=True)
    chain = chain_of(canceller)
    chain.agent_audio(QUIET * 1000 + SPEECH)
    for _ in range(600):
        chain.process(SPEECH)
    assert canceller.references.index(SPEECH) == 499  # ten seconds


def test_a_canceller_that_cannot_take_the_reference_is_taken_out(failures: Failures) -> None:
    chain = chain_of(Recorder(wants_reference=True, breaks="reference"), failures=failures)
    chain.agent_audio(SPEECH)
    assert chain.process(SPEECH) == SPEECH
    assert failures.told == [("recorder", "reference broke")]
