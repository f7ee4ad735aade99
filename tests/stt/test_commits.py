from __future__ import annotations

from getpatter.stt.commits import MAX_GIVEN_UP, Commits, Understood


def texts(commits: Commits) -> list[str]:
    return [understood.text for understood in commits.take()]


def late(text: str) -> Understood:
    return Understood(text, late=True)


def test_transcripts_come_in_the_order_of_the_commits() -> None:
    commits = Commits()
    commits.add()
    commits.add()
    commits.named("a")
    commits.named("b")
    commits.understood("b", "second")
    assert texts(commits) == []
    commits.understood("a", "first")
    assert texts(commits) == ["first", "second"]
    assert texts(commits) == []


def test_a_commit_of_nothing_waits_for_its_turn() -> None:
    commits = Commits()
    commits.add()
    commits.add_empty()
    commits.named("a")
    assert texts(commits) == []
    commits.understood("a", "first")
    assert texts(commits) == ["first", ""]


def test_a_commit_that_is_refused_is_answered_with_nothing() -> None:
    commits = Commits()
    commits.add()
    commits.add()
    commits.refused()
    commits.named("b")
    commits.understood("b", "second")
    assert texts(commits) == ["", "second"]


def test_a_transcript_that_nobody_asked_for_is_ignored() -> None:
    commits = Commits()
    commits.understood("x", "nothing")
    commits.add()
    commits.named("a")
    commits.understood("a", "once")
    commits.understood("a", "twice")
    assert texts(commits) == ["once"]


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
    assert texts(commits) == []
    commits.named("a")
    assert texts(commits) == ["early"]


def test_what_is_given_up_holds_nothing_back() -> None:
    commits = Commits()
    commits.add()
    commits.add(said_s=2.0)
    commits.named("a")
    commits.named("b")
    commits.understood("b", "second")
    assert commits.take() == []
    commits.give_up()
    assert commits.is_next("b")
    assert commits.take() == [Understood("second", said_s=2.0)]
    assert commits.none_is_due


def test_what_was_given_up_may_be_understood_after_all() -> None:
    commits = Commits()
    commits.add()
    commits.named("a")
    commits.give_up()
    commits.add()
    commits.named("b")
    commits.understood("a", "first")
    assert commits.take() == [late("first")]
    commits.understood("b", "second")
    assert commits.take() == [Understood("second")]


def test_a_commit_that_is_given_up_before_its_name_comes_keeps_its_place_among_the_names() -> None:
    commits = Commits()
    commits.add()
    commits.give_up()
    commits.add()
    commits.named("a")
    commits.named("b")
    commits.understood("b", "second")
    assert commits.take() == [Understood("second")]


def test_there_may_be_nothing_to_give_up() -> None:
    commits = Commits()
    commits.give_up()
    commits.add()
    commits.named("a")
    commits.understood("a", "first")
    assert commits.take() == [Understood("first")]


def test_few_that_were_given_up_are_remembered() -> None:
    commits = Commits()
    for number in range(MAX_GIVEN_UP + 1):
        commits.add()
        commits.named(f"item_{number}")
        commits.give_up()
    commits.understood("item_0", "forgotten")
    commits.understood("item_1", "remembered")
    assert commits.take() == [late("remembered")]


def test_what_was_understood_is_held_up_by_an_older_commit_that_was_not() -> None:
    commits = Commits()
    commits.add(at=1.0)
    commits.add(at=2.0)
    commits.named("a")
    commits.named("b")
    assert not commits.is_held_up(since=2.0)
    commits.understood("b", "second")
    assert commits.is_held_up(since=1.0)
    assert not commits.is_held_up(since=0.9)
    commits.give_up()
    assert not commits.is_held_up(since=2.0)
