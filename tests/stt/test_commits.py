from __future__ import annotations

from getpatter.stt.commits import Commits


def test_transcripts_come_in_the_order_of_the_commits() -> None:
    commits = Commits()
    commits.add()
    commits.add()
    commits.named("a")
    commits.named("b")
    commits.understood("b", "second")
    assert commits.take() == []
    commits.understood("a", "first")
    assert commits.take() == ["first", "second"]
    assert commits.take() == []


def test_a_commit_of_nothing_waits_for_its_turn() -> None:
    commits = Commits()
    commits.add()
    commits.add_empty()
    commits.named("a")
    assert commits.take() == []
    commits.understood("a", "first")
    assert commits.take() == ["first", ""]


def test_a_commit_that_is_refused_is_answered_with_nothing() -> None:
    commits = Commits()
    commits.add()
    commits.add()
    commits.refused()
    commits.named("b")
    commits.understood("b", "second")
    assert commits.take() == ["", "second"]


def test_a_transcript_that_nobody_asked_for_is_ignored() -> None:
    commits = Commits()
    commits.understood("x", "nothing")
    commits.add()
    commits.named("a")
    commits.understood("a", "once")
    commits.understood("a", "twice")
    assert commits.take() == ["once"]


def test_only_the_transcript_that_is_due_next_counts_as_such() -> None:
    commits = Commits()
    assert not commits.is_next("a")
    commits.add()
    commits.add()
    commits.named("a")
    commits.named("b")
    assert commits.is_next("a")
    assert not commits.is_next("b")


def test_a_transcript_may_come_before_its_name() -> None:
    commits = Commits()
    commits.add()
    commits.understood("a", "early")
    assert commits.take() == []
    commits.named("a")
    assert commits.take() == ["early"]
