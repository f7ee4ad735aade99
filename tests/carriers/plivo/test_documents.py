from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as XML

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plivo import plivoxml

from getpatter.carriers.base import StreamTarget
from getpatter.carriers.invitation import invitation
from getpatter.carriers.plivo import documents, extra_headers
from getpatter.errors import CarrierError

STREAM = StreamTarget("wss://voice.example.com/ws/plivo/stream/call_1", {"token": "a-b_c"})


def same(ours: bytes, *theirs: Any) -> bool:
    """Whether Plivo's own builder makes the same document of its elements."""
    response = plivoxml.ResponseElement()
    for element in theirs:
        response.add(element)
    return XML.canonicalize(ours.decode()) == XML.canonicalize(response.to_string(pretty=False))


def test_a_stream_goes_both_ways_in_telephone_sound_and_keeps_the_call() -> None:
    theirs = plivoxml.StreamElement(
        STREAM.url,
        bidirectional=True,
        keepCallAlive=True,
        contentType="audio/x-mulaw;rate=8000",
        extraHeaders=extra_headers.written(STREAM.parameters),
        statusCallbackUrl="https://voice.example.com/stream",
        statusCallbackMethod="POST",
    )
    assert same(documents.stream(STREAM, "https://voice.example.com/stream"), theirs)


def test_a_stream_without_parameters_sends_no_headers() -> None:
    document = documents.stream(StreamTarget("wss://h/s"), "https://h/e")
    assert b"extraHeaders" not in document


def test_a_number_is_dialled_as_ours_for_as_long_as_it_may_ring() -> None:
    theirs = plivoxml.DialElement(caller_id="+14155550100", timeout=20).add(plivoxml.NumberElement("+14155550123"))
    assert same(documents.dial("+14155550123", caller_id="+14155550100", timeout_s=20.4), theirs)


def test_a_message_is_said_before_the_call_ends() -> None:
    theirs = plivoxml.SpeakElement("Fish & <chips>", language="en-GB"), plivoxml.HangupElement()
    assert same(documents.speak("Fish & <chips>", "en-GB"), *theirs)


def test_a_colleague_is_asked_twice_for_any_key_and_let_go_without_one() -> None:
    words = "Ein Anruf wartet auf Sie. Drücken Sie eine beliebige Taste, um ihn anzunehmen."

    def asking() -> Any:
        return plivoxml.GetInputElement(
            action="https://h/accept/1",
            method="POST",
            input_type="dtmf",
            execution_timeout=10,
            num_digits=1,
            finish_on_key="none",
        ).add(plivoxml.SpeakElement(words, language="de-DE"))

    ours = documents.invite(invitation("de-AT"), "https://h/accept/1")
    assert same(ours, asking(), asking(), plivoxml.HangupElement())


def test_a_colleague_hears_the_summary_and_waits() -> None:
    theirs = (
        plivoxml.SpeakElement("Ann wants a refund.", language="en-US"),
        plivoxml.ConferenceElement(
            "patter-1",
            start_conference_on_enter=False,
            end_conference_on_exit=True,
            callback_url="https://h/conference",
            callback_method="POST",
        ),
    )
    ours = documents.wait_in_room("patter-1", "Ann wants a refund.", "en", events_url="https://h/conference")
    assert same(ours, *theirs)


def test_a_colleague_who_is_told_nothing_waits_at_once() -> None:
    waiting = documents.wait_in_room("patter-1", "\n", "en", events_url="https://h/conference")
    assert [element.tag for element in XML.fromstring(waiting)] == ["Conference"]


def test_whoever_waits_is_met_in_the_room() -> None:
    theirs = plivoxml.ConferenceElement("patter-1", start_conference_on_enter=True, end_conference_on_exit=True)
    assert same(documents.enter_room("patter-1"), theirs)


def test_a_call_is_ended() -> None:
    assert same(documents.part(), plivoxml.HangupElement())


@pytest.mark.parametrize("reason", ["busy", "rejected"])
def test_a_call_is_turned_away_for_a_reason(reason: Any) -> None:
    assert same(documents.hang_up(reason), plivoxml.HangupElement(reason=reason))


@pytest.mark.parametrize(
    ("wanted", "spoken"),
    [
        ("en-AU", "en-AU"),
        ("en", "en-US"),
        ("EN_gb", "en-GB"),
        ("de-AT", "de-DE"),
        ("es-MX", "es-ES"),
        ("pt-br", "pt-BR"),
        ("ja-JP", None),
        ("", None),
    ],
)
def test_only_languages_that_plivo_speaks_are_asked_for(wanted: str, spoken: str | None) -> None:
    speech = XML.fromstring(documents.speak("Hello", wanted)).find("Speak")
    assert speech is not None
    assert speech.get("language") == spoken


@given(text=st.text())
def test_any_words_make_a_document_that_can_be_read(text: str) -> None:
    speech = XML.fromstring(documents.speak(text, "en-US")).find("Speak")
    assert speech is not None
    assert len(speech.text or "") <= len(text)


def test_more_than_plivo_takes_is_refused() -> None:
    with pytest.raises(CarrierError, match="Plivo takes 100000"):
        documents.speak("word " * 20_000, "en")
