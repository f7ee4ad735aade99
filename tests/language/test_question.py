from __future__ import annotations

import pytest

from getpatter.language.question import Answer, Asked, asked_for

ASKS = [
    ("How many people?", Asked(Answer.QUANTITY)),
    ("We have a table. For what time would you like it?", Asked(Answer.QUANTITY)),
    ("What is your phone number?", Asked(Answer.DIGITS, 10)),
    ("Thanks! Please tell me your account number.", Asked(Answer.DIGITS)),
    ("Could you give me the last four digits of your card?", Asked(Answer.DIGITS, 4)),
    ("And your ZIP code?", Asked(Answer.DIGITS, 5)),
    ("How do you spell that?", Asked(Answer.SPELLING)),
    ("Please spell your last name for me.", Asked(Answer.SPELLING)),
    ("Is that right?", Asked(Answer.ANYTHING)),
    ('Did you say "two"?', Asked(Answer.ANYTHING)),
    ("I can call you at 202 555 0104, is that your phone number?", Asked(Answer.ANYTHING)),
    ("What is your name? Please take your time.", None),
    ("I have your phone number.", None),
    ("Please note that the code is 4411.", None),
    ("That is how many we have.", None),
    ("One moment.", None),
    ("", None),
    ("?!", None),
]


@pytest.mark.parametrize(("said", "asked"), ASKS)
def test_the_last_sentence_says_what_is_asked_for(said: str, asked: Asked | None) -> None:
    assert asked_for(said, "en-US") == asked


OTHER_LANGUAGES = [
    ("es-ES", "¿Cuántas personas serán?", Asked(Answer.QUANTITY)),
    ("es", "Dígame su número de teléfono, por favor.", Asked(Answer.DIGITS, 9)),
    ("de", "Wie viele Personen?", Asked(Answer.QUANTITY)),
    ("de", "Wie lautet Ihre Postleitzahl?", Asked(Answer.DIGITS, 5)),
    ("de", "Können Sie das bitte buchstabieren?", Asked(Answer.SPELLING)),
    ("fr", "Quel est votre numéro de téléphone ?", Asked(Answer.DIGITS, 10)),
    ("it", "Per quante persone?", Asked(Answer.QUANTITY)),
    ("pt-BR", "Você pode soletrar, por favor?", Asked(Answer.SPELLING)),
    ("fi", "Montako?", Asked(Answer.ANYTHING)),
]


@pytest.mark.parametrize(("language", "said", "asked"), OTHER_LANGUAGES)
def test_other_languages_ask_too(language: str, said: str, asked: Asked) -> None:
    assert asked_for(said, language) == asked
