from __future__ import annotations

from getpatter.conversation.actions import DropDraft, StartDraft
from getpatter.conversation.draft import Draft


def test_one_is_begun_to_other_words_alone() -> None:
    draft = Draft()
    assert draft.begin("") == []
    assert draft.begin("a table") == [StartDraft("a table")]
    assert draft.begin("a table") == []
    assert draft.begin("a table for two") == [StartDraft("a table for two")]


def test_one_that_is_there_can_be_dropped() -> None:
    draft = Draft()
    assert draft.drop() == []
    draft.begin("a table")
    assert draft.drop() == [DropDraft()]
    assert draft.drop() == []


def test_one_that_was_taken_is_none_any_more() -> None:
    draft = Draft()
    draft.begin("a table")
    draft.taken()
    assert draft.drop() == []
    assert draft.begin("a table") == [StartDraft("a table")]
