from __future__ import annotations

from getpatter.stt.base import SpeechHints


def test_half_of_an_emoji_in_a_phrase_keeps_no_recogniser_from_being_opened() -> None:
    assert SpeechHints(phrases=("Good evening.", "Hi \ud83d there.")).phrases == ("Good evening.", "Hi ? there.")
