from __future__ import annotations

from getpatter.carriers.pending import KEPT_S, MAX_KEPT, RETRIED_S, PendingDocuments
from getpatter.testing.clock import ManualClock


def test_a_document_is_found_under_its_key_alone() -> None:
    pending = PendingDocuments(ManualClock())
    one, other = pending.keep(b"one"), pending.keep(b"other")
    assert one != other
    assert len(one) >= 24
    assert (pending.fetch(one), pending.fetch(other), pending.fetch("guessed")) == (b"one", b"other", None)


def test_a_document_can_be_kept_under_a_name_that_is_known_already() -> None:
    pending = PendingDocuments(ManualClock())
    assert pending.keep(b"theirs", "call") == "call"
    assert (pending.fetch("call"), pending.fetch("")) == (b"theirs", None)


def test_a_document_waits_as_long_as_a_call_stands_in_the_queue() -> None:
    clock = ManualClock()
    pending = PendingDocuments(clock)
    first, second = pending.keep(b"first"), pending.keep(b"second")
    clock.advance(KEPT_S - 1)
    assert pending.fetch(first) == b"first"
    clock.advance(1)
    assert pending.fetch(second) is None


def test_a_document_that_was_fetched_can_be_fetched_again_as_long_as_carriers_repeat_requests() -> None:
    clock = ManualClock()
    pending = PendingDocuments(clock)
    key = pending.keep(b"once")
    assert pending.fetch(key) == b"once"
    clock.advance(RETRIED_S - 1)
    assert pending.fetch(key) == b"once"
    clock.advance(1)
    assert pending.fetch(key) is None


def test_a_document_can_be_taken_back() -> None:
    pending = PendingDocuments(ManualClock())
    key = pending.keep(b"no")
    pending.drop(key)
    pending.drop(key)
    assert pending.fetch(key) is None


def test_documents_that_nobody_fetches_are_let_go() -> None:
    clock = ManualClock()
    pending = PendingDocuments(clock)
    for _ in range(3):
        pending.keep(b"stale")
    clock.advance(KEPT_S)
    pending.keep(b"fresh")
    assert len(pending) == 1


def test_of_too_many_documents_the_oldest_give_way() -> None:
    pending = PendingDocuments(ManualClock())
    keys = [pending.keep(str(number).encode()) for number in range(MAX_KEPT + 1)]
    assert len(pending) == MAX_KEPT
    assert (pending.fetch(keys[0]), pending.fetch(keys[1])) == (None, b"1")
