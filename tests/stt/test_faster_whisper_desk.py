"""How calls share a model, with one that tells how much sound it was given."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from getpatter.errors import ConfigurationError
from getpatter.stt.faster_whisper_desk import BATCH, PIECE_AT_MOST_S, Decoded, Desk, Recognising
from getpatter.stt.faster_whisper_wire import Begin, Model
from getpatter.stt.pieces import RATE, Samples
from getpatter.stt.worker_wire import MAX_BACKLOG_S, Audio, Failed, Finalize, Heard, Ready, Reply
from getpatter.worker_loop import Frame, Outlet

BEGIN = Begin(Model("small", "cpu", "int8", 1), "en-US", ("A table for four",), 1)
SECOND = bytes(2 * RATE)


class Counting:
    """Says how many seconds it heard."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def check(self, language: str) -> None:
        if language == "xx":
            raise ConfigurationError("It does not know xx.", next_step="Use another.")

    def decode(self, sounds: Sequence[Samples], manner: Begin) -> list[Decoded]:
        self.batches.append(len(sounds))
        return [
            Decoded(f"{len(samples) / RATE:g}", 1 / (1 + len(samples) // RATE)) if len(samples) else Decoded()
            for samples in sounds
        ]


class Call:
    """A channel of the worker, and what it has answered."""

    def __init__(self, desk: Desk) -> None:
        self.answers: list[Reply] = []
        self.task = Recognising(desk, Outlet(1, self._keep))

    def _keep(self, frame: Frame) -> None:
        self.answers.append(msgspec.msgpack.decode(frame.body, type=Reply))

    def ask(self, *requests: msgspec.Struct) -> None:
        for request in requests:
            self.task.receive(msgspec.msgpack.encode(request))

    def work(self) -> None:
        while self.task.step():
            pass

    @property
    def texts(self) -> list[str]:
        return [answer.text for answer in self.answers if isinstance(answer, Heard)]


def begun(desk: Desk, begin: Begin = BEGIN) -> Call:
    call = Call(desk)
    call.ask(begin)
    call.task.step()
    assert call.answers == [Ready()]
    return call


def test_each_finalize_is_answered_once_with_what_came_before_it() -> None:
    call = begun(Desk(lambda model: Counting()))
    call.ask(Audio(SECOND * 2), Finalize(), Audio(SECOND), Finalize(), Finalize())
    call.work()
    assert call.texts == ["2", "1", ""]


def test_calls_that_wait_together_are_decoded_together() -> None:
    model = Counting()
    desk = Desk(lambda _: model)
    calls = [begun(desk) for _ in range(3)]
    for call in calls:
        call.ask(Audio(SECOND), Finalize())
    for call in calls:
        call.work()
    assert model.batches == [3]
    assert [call.texts for call in calls] == [["1"]] * 3


def test_no_more_are_decoded_together_than_a_caller_can_wait_for() -> None:
    model = Counting()
    desk = Desk(lambda _: model)
    calls = [begun(desk) for _ in range(BATCH + 1)]
    for call in calls:
        call.ask(Audio(SECOND), Finalize())
    for call in calls:
        call.work()
    assert model.batches == [BATCH, 1]


def test_calls_with_other_hints_are_decoded_apart() -> None:
    model = Counting()
    desk = Desk(lambda _: model)
    calls = [begun(desk), begun(desk, Begin(BEGIN.model, "de-DE", (), 1)), begun(desk)]
    for call in calls:
        call.ask(Audio(SECOND), Finalize())
    for call in calls:
        call.work()
    assert model.batches == [2, 1]


def test_a_call_that_is_over_is_not_decoded() -> None:
    model = Counting()
    desk = Desk(lambda _: model)
    over, other = begun(desk), begun(desk)
    over.ask(Audio(SECOND), Finalize())
    other.ask(Audio(SECOND), Finalize())
    over.task.close()
    other.work()
    assert model.batches == [1]
    assert other.texts == ["1"]


def test_a_long_utterance_is_decoded_in_pieces_and_answered_once_as_unsure_as_the_least() -> None:
    model = Counting()
    call = begun(Desk(lambda _: model))
    call.ask(*[Audio(SECOND)] * 40)
    call.work()
    assert model.batches == [1]
    assert call.texts == []
    call.ask(Finalize())
    call.work()
    (heard,) = [answer for answer in call.answers if isinstance(answer, Heard)]
    assert sum(float(part) for part in heard.text.split()) == 40
    assert max(float(part) for part in heard.text.split()) <= PIECE_AT_MOST_S
    assert heard.confidence == 1 / (1 + int(max(float(part) for part in heard.text.split())))


def test_a_worker_that_is_behind_forgets_the_oldest_sound_and_no_request() -> None:
    call = begun(Desk(lambda model: Counting()))
    for _ in range(20):
        call.ask(Audio(SECOND * 10), Finalize())
    call.work()
    assert len(call.texts) == 20
    kept = [float(text) for text in call.texts if text]
    assert sum(kept) == MAX_BACKLOG_S
    assert call.texts[-1] == "10"


def test_the_model_is_loaded_once() -> None:
    loaded: list[Model] = []

    def load(model: Model) -> Counting:
        loaded.append(model)
        return Counting()

    desk = Desk(load)
    for _ in range(3):
        begun(desk)
    assert loaded == [BEGIN.model]


def test_a_model_that_is_missing_or_broken_and_an_unknown_language_are_told() -> None:
    def missing(model: Model) -> Counting:
        raise ConfigurationError("It is not here.", next_step="Fetch it.")

    def broken(model: Model) -> Counting:
        raise RuntimeError("File model.bin is incomplete")

    unknown = Begin(BEGIN.model, "xx", (), 1)
    for desk, begin, failed in (
        (Desk(missing), BEGIN, Failed("It is not here.", "Fetch it.")),
        (Desk(broken), BEGIN, Failed("The model small cannot be loaded: File model.bin is incomplete")),
        (Desk(lambda model: Counting()), unknown, Failed("It does not know xx.", "Use another.")),
    ):
        call = Call(desk)
        call.ask(begin)
        call.work()
        assert call.answers == [failed]


def test_nothing_but_zeros_is_still_sound_to_the_desk() -> None:
    """Silence is the model's to judge."""
    model = Counting()
    call = begun(Desk(lambda _: model))
    call.ask(Audio(np.zeros(RATE, "<i2").tobytes()), Finalize())
    call.work()
    assert call.texts == ["1"]
