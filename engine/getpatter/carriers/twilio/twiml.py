"""What we have Twilio do with a call, as TwiML written by Twilio's own builder.

https://www.twilio.com/docs/voice/twiml
"""

from __future__ import annotations

from itertools import accumulate
from typing import Final, Literal
from xml.sax.saxutils import escape

from twilio.twiml.voice_response import Gather, VoiceResponse

from getpatter.carriers.base import StreamTarget
from getpatter.carriers.invitation import KEY_WAIT_S, TIMES, Invitation
from getpatter.carriers.spoken_text import holdable, nearest
from getpatter.errors import CarrierError

CONTENT_TYPE: Final = "text/xml"
MAX_INLINE: Final = 4000
"""Characters of a document that goes along with a request to the API; Twilio refuses longer ones with 32018."""
MAX_WORDS: Final = 3000
"""Characters of it that are words to be said; the rest is for what is around them."""

CALLER: Final = "caller"
COLLEAGUE: Final = "colleague"
"""How the participants of a warm transfer's conference are labelled."""

# fmt: off
_LOCALES: Final = (
    "ca-ES", "da-DK", "de-DE", "en-AU", "en-CA", "en-GB", "en-IN", "en-US", "es-ES", "es-MX", "fi-FI", "fr-CA", "fr-FR",
    "it-IT", "ja-JP", "ko-KR", "nb-NO", "nl-NL", "pl-PL", "pt-BR", "pt-PT", "ru-RU", "sv-SE", "zh-CN", "zh-HK", "zh-TW",
)
# fmt: on
"""What Twilio's own voices speak: https://www.twilio.com/docs/voice/twiml/say/text-speech"""
_PREFERRED: Final = {"en": "en-US", "es": "es-ES", "fr": "fr-FR", "pt": "pt-BR", "zh": "zh-CN", "no": "nb-NO"}


def connect(stream: StreamTarget, webhooks_url: str) -> str:
    """Open the call's media stream."""
    response = VoiceResponse()
    noun = response.connect().stream(
        url=stream.url, status_callback=f"{webhooks_url}/stream", status_callback_method="POST"
    )
    for name, value in stream.parameters.items():
        noun.parameter(name=name, value=value)
    return _text(response)


def dial(number: str, *, from_number: str, timeout_s: float) -> str:
    """Connect the call to somebody else, who sees `from_number`."""
    response = VoiceResponse()
    verb = response.dial(caller_id=from_number or None, timeout=max(1, round(timeout_s)), answer_on_bridge=True)
    verb.number(number)
    return _text(response)


def invite(invitation: Invitation, webhooks_url: str) -> str:
    """Ask a colleague to press a key; `accept` among our webhooks says what then, and without one they are let go."""
    response = VoiceResponse()
    for _ in range(TIMES):
        gather = response.gather(
            input="dtmf",
            num_digits=1,
            # Else the pound key would end the input instead of being one.
            finish_on_key="",
            timeout=KEY_WAIT_S,
            action=f"{webhooks_url}/accept",
            method="POST",
        )
        _say(gather, invitation.words, invitation.language)
    response.hangup()
    return _text(response)


def brief(summary: str, language: str, room: str, webhooks_url: str) -> str:
    """Tell a colleague what it is about, then have them wait in `room` for the caller."""
    response = VoiceResponse()
    _say(response, summary, language)
    response.dial().conference(
        room,
        participant_label=COLLEAGUE,
        beep="false",
        start_conference_on_enter=True,
        end_conference_on_exit=True,
        status_callback=f"{webhooks_url}/conference",
        status_callback_method="POST",
        status_callback_event="join",
    )
    return _text(response)


def join(room: str) -> str:
    """Put the caller through to the colleague in `room`."""
    response = VoiceResponse()
    response.dial().conference(
        room, participant_label=CALLER, beep="false", start_conference_on_enter=True, end_conference_on_exit=True
    )
    return _text(response)


def say(words: str, language: str) -> str:
    """Say the words, then hang up."""
    response = VoiceResponse()
    _say(response, words, language)
    response.hangup()
    return _text(response)


def hang_up() -> str:
    response = VoiceResponse()
    response.hangup()
    return _text(response)


def reject(reason: Literal["busy", "rejected"]) -> str:
    response = VoiceResponse()
    response.reject(reason=reason)
    return _text(response)


def inline(document: str) -> str:
    """The document, if it is short enough to go along with a request; else raises `CarrierError`."""
    if len(document) > MAX_INLINE:
        raise CarrierError(
            f"The TwiML for this call has {len(document)} characters; Twilio takes {MAX_INLINE}.",
            next_step="Use a shorter PATTER_PUBLIC_URL.",
        )
    return document


def locale(language: str) -> str | None:
    """The nearest language that Twilio's own voices speak; None where there is none, and its default is to be used.

    Twilio ends calls whose document asks for a language that it does not have.
    """
    return nearest(language, _LOCALES, _PREFERRED)


def _say(response: VoiceResponse | Gather, words: str, language: str) -> None:
    if spoken := _fitted(words):
        response.say(spoken, language=locale(language))


def _fitted(words: str) -> str:
    """The words without what XML cannot hold, and no more of them than a document has room for."""
    text = " ".join(holdable(words).split())
    # How long each beginning of the text is in XML, as far as any can fit.
    sizes = accumulate(len(escape(character)) for character in text[: MAX_WORDS + 1])
    end = sum(size <= MAX_WORDS for size in sizes)
    if end == len(text):
        return text
    whole_words, cut, _ = text[:end].rpartition(" ")
    return whole_words if cut else text[:end]


def _text(response: VoiceResponse) -> str:
    return str(response.to_xml())
