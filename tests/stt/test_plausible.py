from __future__ import annotations

from dataclasses import replace

import pytest

from getpatter.stt.plausible import Understood, compression, could_be_said, plausible

SAID = Understood("A table for four, please.", 2.0, no_speech=0.1, log_probability=-0.3, compression=1.0)


def test_what_a_person_says_stands() -> None:
    assert plausible(SAID)
    assert plausible(replace(SAID, text="Thank you."))
    assert plausible(replace(SAID, text="はい、四人です。"))
    assert plausible(replace(SAID, text="No.", seconds=0.15))


def test_an_unsure_sentence_where_nobody_spoke_falls() -> None:
    assert not plausible(replace(SAID, no_speech=0.9, log_probability=-1.4))
    assert plausible(replace(SAID, no_speech=0.9))
    assert plausible(replace(SAID, log_probability=-1.4))


def test_text_that_goes_round_in_circles_falls() -> None:
    assert not plausible(replace(SAID, compression=3.1))


def test_more_than_can_be_said_in_the_time_falls() -> None:
    assert not plausible(replace(SAID, text="and then " * 12, seconds=1.0))


@pytest.mark.parametrize("text", ["Thanks for watching!", " Subtitles by the Amara.org community", "", "...", "♪"])
def test_what_no_caller_says_falls(text: str) -> None:
    assert not plausible(replace(SAID, text=text))


def test_a_caller_may_speak_of_videos() -> None:
    assert plausible(replace(SAID, text="I was watching a film. Thanks for watching the dog."))


@pytest.mark.parametrize("text", ["", "No. " * 40, "Thanks for watching!", "and then we went there, and he said so"])
def test_a_text_alone_can_tell_that_nobody_said_it(text: str) -> None:
    assert not could_be_said(text, 0.4)


def test_a_text_alone_stands_where_it_can_be_said() -> None:
    assert could_be_said("A table for four, please.", 2.0)
    assert compression("No. " * 40) > 2.4 > compression("A table for four, please.")
