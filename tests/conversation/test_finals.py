from __future__ import annotations

from getpatter.agent import TurnSettings
from getpatter.conversation.actions import FinalizeTranscript, StartTimer
from getpatter.conversation.caller_turn import CallerTurn, no_patience
from getpatter.conversation.finals import Finals

SETTINGS = TurnSettings(stt_timeout_s=3.0, recogniser_turn_s=1.0)


def finals() -> tuple[Finals, CallerTurn]:
    turn = CallerTurn(SETTINGS, no_patience)
    return Finals(SETTINGS, turn), turn


def test_words_that_are_asked_for_are_waited_for() -> None:
    asked, turn = finals()
    assert asked.ask(1.0) == [StartTimer("transcript", 4.0), FinalizeTranscript()]
    assert turn.finals_due == 1
    assert asked.overdue(4.0) == [], "they were asked for"


def test_words_that_do_not_come_by_themselves_are_asked_for() -> None:
    asked, turn = finals()
    assert asked.expect(1.0) == [StartTimer("transcript", 2.0)]
    assert asked.overdue(2.0) == [StartTimer("transcript", 5.0), FinalizeTranscript()]
    assert asked.overdue(5.0) == []
    assert turn.finals_due == 1


def test_words_that_come_before_the_answer_are_of_its_turn() -> None:
    asked, _ = finals()
    assert asked.ask_unawaited() == [FinalizeTranscript()]
    assert not asked.came()
    asked.answered()
    assert not asked.late


def test_words_that_come_after_the_answer_was_begun_are_of_the_turn_before() -> None:
    asked, _ = finals()
    asked.ask_unawaited()
    asked.answered()
    asked.ask_unawaited()
    assert asked.late
    assert asked.came()
    assert not asked.late
    assert not asked.came()


def test_nothing_is_waited_for_once_the_answer_was_begun() -> None:
    asked, turn = finals()
    asked.ask(1.0)
    asked.answered()
    assert turn.finals_due == 0
