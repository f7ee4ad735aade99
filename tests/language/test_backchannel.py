"""What a listener says does not take the turn; what a speaker says does."""

from __future__ import annotations

import pytest

from getpatter.language.backchannel import BACKCHANNELS, is_backchannel
from getpatter.language.question import QUESTIONS


def over_the_agent(text: str, language: str = "en-US") -> bool:
    return is_backchannel(text, language, after_question=False, first_message=False)


def after_a_question(text: str) -> bool:
    return is_backchannel(text, "en", after_question=True, first_message=False)


def over_the_greeting(text: str, *, asking: bool = False) -> bool:
    return is_backchannel(text, "en", after_question=asking, first_message=True)


LISTENING = """mm-hm|Mhm.|mm hmm|Mmhmm|mmm|hmm|Hm.|uh-huh|uhuh|Uh huh.|aha|ah|oh|um|okay|OK.|ok|Okay!|O.K.|right|Right.|
yeah|Yeah, yeah.|yep|yes|I see.|sure|Sure, sure|got it|oh okay|yeah okay|okay I see|Mm-hm, right.|that makes sense|
all right|alright|oh really|yeah yeah yeah|I understand|Of course.|exactly"""


@pytest.mark.parametrize("text", LISTENING.replace("\n", "").split("|"))
def test_a_listener_does_not_take_the_turn(text: str) -> None:
    assert over_the_agent(text)


TAKING = """no|No.|nope|stop|wait|Wait, wait.|what?|Sorry?|pardon|hello?|okay but I already paid|yeah no|right, so what|
uh-uh|nuh-uh|I see a problem|sure thing is I can't|yes I want to change that|hold on|excuse me|actually|Okay, thanks.|
one second|cancel|ok ok ok ok ok|two|good question what about Tuesday|rightly|yesterday|umbrella"""


@pytest.mark.parametrize("text", TAKING.replace("\n", "").split("|"))
def test_a_speaker_takes_the_turn(text: str) -> None:
    assert not over_the_agent(text)


@pytest.mark.parametrize("text", ["mm-hm", "okay", "yeah", "right", "sure", "I see", "um"])
def test_the_same_words_answer_a_question(text: str) -> None:
    assert over_the_agent(text)
    assert not after_a_question(text)


@pytest.mark.parametrize("text", ["Hello?", "hi", "Yes?", "hello, hello?", "Hey.", "yeah hi", "mm-hm", "Hello. Okay."])
def test_picking_up_does_not_interrupt_the_greeting(text: str) -> None:
    assert over_the_greeting(text)


@pytest.mark.parametrize("text", ["hello", "hi"])
def test_a_hello_later_asks_whether_anybody_is_there(text: str) -> None:
    assert not over_the_agent(text)
    assert not after_a_question(text)


@pytest.mark.parametrize("text", ["Who is this?", "hello who's there", "no", "stop calling me", "wrong number", "what"])
def test_the_greeting_can_be_interrupted(text: str) -> None:
    assert not over_the_greeting(text)


def test_a_question_in_the_greeting_is_answered_by_yes_and_not_by_hello() -> None:
    """ "Hello, am I speaking with Anna?" """
    assert over_the_greeting("Hello?", asking=True)
    assert not over_the_greeting("Yes.", asking=True)
    assert not over_the_greeting("hello yes", asking=True)


OTHER_LANGUAGES = [
    ("es-MX", "sí", "no"),
    ("es", "Sí, claro.", "sí pero no puedo"),
    ("es", "ajá", "espere"),
    ("de-DE", "ja, genau", "ja aber"),
    ("de", "Mhm, verstehe.", "Moment mal"),
    ("de", "ach so", "nein"),
    ("fr-FR", "d'accord", "non"),
    ("fr", "oui oui", "attendez"),
    ("fr", "C'est ça.", "c'est quoi"),
    ("it-IT", "sì, certo", "no"),
    ("it", "ho capito", "aspetti"),
    ("pt-BR", "tá bom", "não"),
    ("pt", "Pois é.", "espere"),
    ("pt_BR", "uhum", "quanto custa"),
]


@pytest.mark.parametrize(("language", "listening", "taking"), OTHER_LANGUAGES)
def test_other_languages_have_their_words(language: str, listening: str, taking: str) -> None:
    assert over_the_agent(listening, language)
    assert not over_the_agent(taking, language)


@pytest.mark.parametrize("language", BACKCHANNELS)
def test_every_language_picks_up_in_its_own_way(language: str) -> None:
    for text in BACKCHANNELS[language].answering:
        assert is_backchannel(text, language, after_question=False, first_message=True), text
        assert is_backchannel(text, language, after_question=True, first_message=True), text


def test_languages_that_know_backchannels_know_questions() -> None:
    assert BACKCHANNELS.keys() == QUESTIONS.keys()


def test_an_unknown_language_has_hums_and_okay() -> None:
    assert over_the_agent("mm-hm", "fi")
    assert over_the_agent("okay", "fi")
    assert not over_the_agent("joo", "fi")


@pytest.mark.parametrize("text", ["", " ", "..."])
def test_nothing_is_no_backchannel(text: str) -> None:
    assert not over_the_agent(text)
    assert not over_the_greeting(text)
