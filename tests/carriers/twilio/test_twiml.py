"""Documents are compared by what an XML parser reads in them."""

from __future__ import annotations

import inspect
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.twiml import lower_camel, voice_response

from getpatter.carriers.base import StreamTarget
from getpatter.carriers.invitation import invitation
from getpatter.carriers.twilio import twiml
from getpatter.errors import CarrierError

HOOKS = "https://patter.example/webhooks/twilio"
URL = "wss://patter.example/ws/twilio/stream/call_1"

Tree = tuple[str, dict[str, str], str, list["Tree"]]


def tree(document: str) -> list[Tree]:
    """The verbs of a document: name, attributes, text, and what is nested."""

    def read(element: ElementTree.Element) -> Tree:
        return element.tag, dict(element.attrib), element.text or "", [read(child) for child in element]

    name, attributes, text, verbs = read(ElementTree.fromstring(document))
    assert (name, attributes, text) == ("Response", {}, "")
    return verbs


DOCUMENTS = {
    "connect": twiml.connect(StreamTarget(URL, {"token": "once"}), HOOKS),
    "dial": twiml.dial("+12025550100", from_number="+12025550199", timeout_s=30.0),
    "invite": twiml.invite(invitation("en"), HOOKS),
    "brief": twiml.brief("Ann.", "en", "room-1", HOOKS),
    "join": twiml.join("room-1"),
    "say": twiml.say("Hello.", "en"),
    "hang_up": twiml.hang_up(),
    "reject": twiml.reject("busy"),
}


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_attributes_are_those_that_twilios_builder_names(document: str) -> None:
    """It would write any others, too."""
    for parent in ElementTree.fromstring(document).iter():
        verbs = getattr(voice_response, "VoiceResponse" if parent.tag == "Response" else parent.tag)
        for child in parent:
            named = inspect.signature(getattr(verbs, child.tag.lower())).parameters
            assert set(child.attrib) <= {lower_camel(name) for name in named}, child.tag


def test_a_stream_is_opened_with_its_parameters() -> None:
    reports = {"statusCallback": f"{HOOKS}/stream", "statusCallbackMethod": "POST"}
    parameters: list[Tree] = [
        ("Parameter", {"name": "token", "value": 'o"n<c&e'}, "", []),
        ("Parameter", {"name": "ü", "value": ""}, "", []),
    ]
    document = twiml.connect(StreamTarget(URL, {"token": 'o"n<c&e', "ü": ""}), HOOKS)
    assert tree(document) == [("Connect", {}, "", [("Stream", {"url": URL, **reports}, "", parameters)])]


def test_a_call_is_given_to_somebody_else() -> None:
    document = twiml.dial("+12025550100", from_number="+12025550199", timeout_s=19.6)
    attributes = {"callerId": "+12025550199", "timeout": "20", "answerOnBridge": "true"}
    assert tree(document) == [("Dial", attributes, "", [("Number", {}, "+12025550100", [])])]


def test_a_colleague_is_asked_twice_for_any_key_and_let_go_without_one() -> None:
    attributes = {
        "input": "dtmf",
        "numDigits": "1",
        "finishOnKey": "",
        "timeout": "10",
        "action": f"{HOOKS}/accept",
        "method": "POST",
    }
    words = "Ein Anruf wartet auf Sie. Drücken Sie eine beliebige Taste, um ihn anzunehmen."
    asked: Tree = ("Gather", attributes, "", [("Say", {"language": "de-DE"}, words, [])])
    assert tree(twiml.invite(invitation("de-AT"), HOOKS)) == [asked, asked, ("Hangup", {}, "", [])]


def test_a_colleague_hears_the_summary_and_waits() -> None:
    speech, dial = tree(twiml.brief("Ann wants a table & a taxi.", "en", "room-1", HOOKS))
    assert speech == ("Say", {"language": "en-US"}, "Ann wants a table & a taxi.", [])
    name, _, _, ((noun, attributes, room, _),) = dial
    assert (name, noun, room) == ("Dial", "Conference", "room-1")
    assert attributes == {
        "participantLabel": "colleague",
        "beep": "false",
        "startConferenceOnEnter": "true",
        "endConferenceOnExit": "true",
        "statusCallback": f"{HOOKS}/conference",
        "statusCallbackMethod": "POST",
        "statusCallbackEvent": "join",
    }


def test_a_colleague_who_is_told_nothing_waits_at_once() -> None:
    assert [name for name, *_ in tree(twiml.brief("\n", "en", "room-1", HOOKS))] == ["Dial"]


def test_the_caller_joins_the_colleague() -> None:
    ((_, _, _, ((noun, attributes, room, _),)),) = tree(twiml.join("room-1"))
    assert (noun, room) == ("Conference", "room-1")
    assert attributes == {
        "participantLabel": "caller",
        "beep": "false",
        "startConferenceOnEnter": "true",
        "endConferenceOnExit": "true",
    }


def test_a_message_is_left() -> None:
    assert tree(twiml.say("Please call back.", "de-AT")) == [
        ("Say", {"language": "de-DE"}, "Please call back.", []),
        ("Hangup", {}, "", []),
    ]


@pytest.mark.parametrize("reason", ["busy", "rejected"])
def test_a_call_is_turned_away(reason: str) -> None:
    document = twiml.reject("busy" if reason == "busy" else "rejected")
    assert tree(document) == [("Reject", {"reason": reason}, "", [])]


@given(words=st.text(max_size=200))
def test_any_words_can_be_said(words: str) -> None:
    said = "".join(text for name, _, text, _ in tree(twiml.say(words, "en")) if name == "Say")
    assert said.split() == [word for word in said.split() if word in words]


@pytest.mark.parametrize("word", ["yes", "&", "<ü>", "x" * 5000])
def test_a_document_with_many_words_is_cut_to_what_twilio_takes(word: str) -> None:
    document = twiml.brief(" ".join([word] * 4000), "en", "patter-" + "0" * 32, HOOKS)
    assert twiml.inline(document) == document
    ((_, _, said, _), _) = tree(document)
    assert len(said) > twiml.MAX_WORDS / 6
    assert said.split()[-1] in (word, "x" * twiml.MAX_WORDS)


def test_a_document_that_is_too_long_is_refused_before_twilio_does() -> None:
    assert len(twiml.inline("x" * 4000)) == 4000
    with pytest.raises(CarrierError, match="4001 characters; Twilio takes 4000"):
        twiml.inline("x" * 4001)


@pytest.mark.parametrize(
    ("language", "locale"),
    [
        ("en", "en-US"),
        ("en-GB", "en-GB"),
        ("en_gb", "en-GB"),
        ("en-NZ", "en-US"),
        ("de", "de-DE"),
        ("pt-PT", "pt-PT"),
        ("pt", "pt-BR"),
        ("no", "nb-NO"),
        ("tlh", None),
        ("", None),
    ],
)
def test_a_language_is_one_that_twilio_speaks(language: str, locale: str | None) -> None:
    assert twiml.locale(language) == locale
