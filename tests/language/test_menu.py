"""Telephone menus as they are spoken, and as recognisers write them down."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getpatter.language.menu import MENU_WAIT_S, LoopDetector, MenuOption, MenuReader, is_menu, menu_note


def options(text: str, language: str = "en-US") -> dict[str, str]:
    return {option.key: option.label for option in MenuReader(language).feed(text)}


SALES = {"1": "sales", "2": "support"}


@pytest.mark.parametrize(
    "text",
    [
        "For sales, press 1. For support, press 2.",
        "for sales press one for support press two",
        "for sales, press 1, for support, press 2",
        "Press 1 for sales, press 2 for support.",
        "press one for sales press two for support",
        "Thank you for calling Acme. Press 1 for sales, or 2 for support.",
        "thank you for calling acme press one for sales press two for support",
        "Sales, press 1. Support, press 2.",
        "For sales, press or say one. For support, say or press two.",
        "For sales, please press the 1 key now. For support, please dial number 2.",
        "for sales press one for support press two or stay on the line",
    ],
)
def test_a_menu_is_read_wherever_it_puts_its_keys(text: str) -> None:
    assert options(text) == SALES


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("For sales press 1. For support press 2. Press 0 for the operator.", {**SALES, "0": "the operator"}),
        ("To repeat this menu, press star.", {"*": "repeat this menu"}),
        ("If you would like to leave a message, press pound.", {"#": "you would like to leave a message"}),
        ("Press 9.", {"9": ""}),
        ("Please enter your account number followed by the pound key.", {"digits#": "your account number"}),
        ("Enter your date of birth, then press pound.", {"digits#": "your date of birth"}),
        ("Please enter your phone number, starting with the area code.", {"digits": "your phone number"}),
        ("To enter a different number, press 2.", {"2": "enter a different number"}),
        (
            "Please press 1 to mute yourself, 2 to lock the conference, or 8 to exit.",
            {"1": "mute yourself", "2": "lock the conference", "8": "exit"},
        ),
    ],
)
def test_what_can_be_pressed(text: str, read: dict[str, str]) -> None:
    assert options(text) == read


@pytest.mark.parametrize(
    ("language", "text", "read"),
    [
        ("es-MX", "Para ventas, oprima uno. Para soporte, marque el dos.", {"1": "ventas", "2": "soporte"}),
        ("es", "Ingrese su número de cuenta seguido de la tecla numeral.", {"digits#": "su número de cuenta"}),
        ("de-DE", "Für Bestellungen drücken Sie die Eins.", {"1": "bestellungen"}),
        (
            "fr",
            "Pour les ventes, tapez 1. Pour le service, appuyez sur la touche 2.",
            {"1": "les ventes", "2": "le service"},
        ),
    ],
)
def test_menus_of_other_languages(language: str, text: str, read: dict[str, str]) -> None:
    assert options(text, language) == read


@pytest.mark.parametrize(
    "text",
    [
        "Hello?",
        "Hello, this is Anna from the pharmacy, how can I help you?",
        "I will be there at one. Call me to say one thing.",
        "You can press charges, for two reasons.",
        "We have a table for two at seven.",
        "Let me enter that for you.",
        "I choose you.",
        "",
    ],
)
def test_what_people_say_is_no_menu(text: str) -> None:
    assert not is_menu(text)
    assert options(text) == {}


def test_an_option_that_two_transcripts_share_is_found() -> None:
    reader = MenuReader()
    assert reader.feed("Thank you for calling. For sales") == []
    assert MenuOption("1", "sales") in reader.feed("press one.") or reader.options == [MenuOption("1", "")]
    reader.feed("For support, press two.")
    assert [option.key for option in reader.options] == ["1", "2"]


def test_options_gather_over_a_menu_and_go_when_a_key_was_sent() -> None:
    reader = MenuReader()
    reader.feed("For sales, press 1.")
    assert reader.feed("For support, press 2.") == [MenuOption("2", "support")]
    assert reader.options == [MenuOption("1", "sales"), MenuOption("2", "support")]
    reader.reset()
    assert reader.options == []
    assert reader.feed("For refunds, press 1.") == [MenuOption("1", "refunds")]


def test_patience_lasts_as_long_as_the_menu() -> None:
    reader = MenuReader()
    assert reader.wait_s is None
    reader.feed("Please listen carefully, as our menu options have changed.")
    assert reader.wait_s == MENU_WAIT_S
    reader.feed("For sales, press 1.")
    assert reader.wait_s == MENU_WAIT_S
    reader.feed("Hi, this is Tom in sales, who am I speaking with?")
    assert reader.wait_s is None


# -- loops

MENU = "Thank you for calling. For sales, press 1. For support, press 2."
MISHEARD = "Thank you for falling. For sales press one. For support press to."


def test_the_third_time_is_a_loop() -> None:
    reader = MenuReader()
    heard = []
    for text in (MENU, MISHEARD, MENU):
        reader.feed(text)
        heard.append(reader.looping)
    assert heard == [False, False, True]


def test_a_menu_that_repeats_itself_without_a_pause_is_a_loop() -> None:
    reader = MenuReader()
    reader.feed(f"{MENU} {MENU} {MENU}")
    assert reader.looping


def test_a_loop_is_seen_although_keys_were_sent_in_between() -> None:
    reader = MenuReader()
    for _ in range(3):
        reader.feed("Sorry, I did not get that. Please say your account number.")
        reader.reset()
    assert reader.looping


def test_different_menus_are_no_loop() -> None:
    reader = MenuReader()
    for text in (MENU, "For invoices, press 1. For refunds, press 2.", "For cards, press 1. For cash, press 2."):
        reader.feed(text)
        reader.reset()
    assert not reader.looping


def test_short_words_repeat_in_any_talk() -> None:
    loop = LoopDetector()
    assert not any(loop.feed("Hello?") for _ in range(9))


def test_what_lies_outside_of_the_window_is_forgotten() -> None:
    loop = LoopDetector(window=2)
    others = ["one fish two fish red", "some other longer sentence here", "a third and different thing"]
    assert not any(loop.feed(text) for other in others for text in ("please hold the line now", other, others[0][::-1]))


@given(st.lists(st.text(max_size=80), max_size=6), st.sampled_from(["en", "es", "de", "fr", "xx"]))
def test_any_text_can_be_fed(texts: list[str], language: str) -> None:
    reader = MenuReader(language)
    for text in texts:
        assert set(reader.feed(text)) <= set(reader.options)


# -- what the model is told


def test_the_model_is_told_what_to_press() -> None:
    note = menu_note([MenuOption("1", "sales"), MenuOption("9", "")])
    assert "1 = sales; 9 = not named" in note
    assert "3 times" not in note
    assert "3 times" in menu_note([], looping=True)
    assert menu_note([]) == ""
    assert len(menu_note([MenuOption("1", "sales")], looping=True)) < 300
