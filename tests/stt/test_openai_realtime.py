"""OpenAI's transcription sessions."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from getpatter.audio.format import LINE, AudioFormat
from getpatter.clock import Clock
from getpatter.connections.faults import Faults
from getpatter.connections.vendors import OPENAI
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.metering import Product, Used, used_by
from getpatter.stt.base import SpeechHints, SpeechToText, Transcript
from getpatter.stt.openai_realtime import COMMIT, STAY, STAYING, OpenAISTT, TranscriptionDialect
from getpatter.stt.openai_wire import COMMITTING, PCM16
from getpatter.testing.clock import SkippingClock
from getpatter.testing.contracts.stt import SttContract, answer, speech
from getpatter.testing.vendors.openai_listen import OpenAIListenServer

HALF_SECOND = b"\x55" * 4000
PRODUCT = Product("openai", "gpt-4o-transcribe")
SESSION = {"type": "transcription"}
ABOUT = "conversation.item.input_audio_transcription"


class TestOpenAI(SttContract):
    key_variable = "OPENAI_API_KEY"
    keep_alive_s = 3.0

    def server(self, *utterances: str, key: str = "") -> OpenAIListenServer:
        return OpenAIListenServer(*utterances, key=key)

    def provider(self, url: str, *, api_key: str, clock: Clock) -> SpeechToText:
        return OpenAISTT(api_key, url=f"{url}/v1/realtime", clock=clock)


def dialect(format: AudioFormat = LINE) -> TranscriptionDialect:
    return TranscriptionDialect(SESSION, format=format, product=PRODUCT, faults=Faults("m", OPENAI))


def asked(ours: TranscriptionDialect, *items: str) -> TranscriptionDialect:
    """With half a second committed for each of these items, whose names the server has told."""
    for item_id in items:
        ours.audio(HALF_SECOND)
        ours.finalize()
        tell(ours, "input_audio_buffer.committed", item_id=item_id)
    return ours


def tell(ours: TranscriptionDialect, kind: str, **fields: Any) -> list[Any]:
    return list(ours.receive(json.dumps({"type": kind, "event_id": "event_1", **fields})))


def final(text: str, language: str = "") -> Transcript:
    return Transcript(text, final=True, from_finalize=True, language=language)


# -- what is said


def test_a_session_is_configured_before_all_else() -> None:
    (update,) = dialect().begin()
    assert json.loads(update) == {"type": "session.update", "event_id": "configure", "session": SESSION}


def test_sound_is_sent_as_base64() -> None:
    assert dialect().audio(b"\xff\x00\x7f") == '{"type":"input_audio_buffer.append","audio":"/wB/"}'


def test_what_was_said_is_committed() -> None:
    ours = dialect()
    ours.audio(HALF_SECOND)
    assert list(ours.finalize()) == [COMMIT]


@pytest.mark.parametrize(("format", "silence"), [(LINE, b"\xff" * 640), (PCM16, b"\0" * 4640)])
def test_a_word_too_short_to_be_committed_is_followed_by_silence(format: AudioFormat, silence: bytes) -> None:
    ours = dialect(format)
    ours.audio(b"\x55" * 160)
    padding, commit = ours.finalize()
    assert padding == dialect(format).audio(silence)
    assert commit == COMMIT


def test_each_commit_begins_anew() -> None:
    ours = asked(dialect(), "item_1")
    ours.audio(b"\x55" * 400)
    assert len(list(ours.finalize())) == 2


def test_it_stays_and_leaves() -> None:
    assert list(dialect().keep_alive()) == [STAY]
    assert json.loads(STAY)["session"] == SESSION
    assert list(dialect().end()) == []


# -- words


def test_words_come_as_they_are_understood() -> None:
    ours = asked(dialect(), "item_1")
    assert tell(ours, f"{ABOUT}.delta", item_id="item_1", delta="A table") == [Transcript("A table", final=False)]
    assert tell(ours, f"{ABOUT}.delta", item_id="item_1", delta=" for two.") == [
        Transcript("A table for two.", final=False)
    ]
    assert tell(ours, f"{ABOUT}.completed", item_id="item_1", transcript="A table for two.") == [
        final("A table for two.")
    ]


def test_words_may_come_while_somebody_speaks() -> None:
    ours = dialect()
    ours.audio(HALF_SECOND)
    assert tell(ours, f"{ABOUT}.delta", item_id="item_1", delta="A table") == [Transcript("A table", final=False)]


def test_answers_come_in_the_order_of_what_was_said() -> None:
    ours = asked(dialect(), "item_1", "item_2")
    assert tell(ours, f"{ABOUT}.delta", item_id="item_2", delta="Later.") == []
    assert tell(ours, f"{ABOUT}.completed", item_id="item_2", transcript="Later.") == []
    assert tell(ours, f"{ABOUT}.completed", item_id="item_1", transcript="Sooner.") == [
        final("Sooner."),
        final("Later."),
    ]


@pytest.mark.parametrize("text", ["", " ", "Thanks for watching!", "Subtitles by the Amara.org community"])
def test_what_no_caller_says_falls(text: str) -> None:
    ours = asked(dialect(), "item_1")
    assert tell(ours, f"{ABOUT}.completed", item_id="item_1", transcript=text) == [final("")]


def test_the_language_that_was_spoken_is_told() -> None:
    ours = asked(dialect(), "item_1")
    languages = [{"code": "es"}]
    assert tell(ours, f"{ABOUT}.completed", item_id="item_1", transcript="Hola.", languages=languages) == [
        final("Hola.", "es")
    ]


def test_tokens_are_told() -> None:
    ours = asked(dialect(), "item_1")
    usage = {"type": "tokens", "input_tokens": 14, "output_tokens": 5, "input_token_details": {"audio_tokens": 12}}
    assert tell(ours, f"{ABOUT}.completed", item_id="item_1", transcript="Hi.", usage=usage) == [
        Used(PRODUCT, input_tokens=14, output_tokens=5, input_audio_tokens=12),
        final("Hi."),
    ]


@pytest.mark.parametrize("message", ['{"type":"session.created","session":{}}', '{"type":"rate_limits.updated"}', "{}"])
def test_what_does_not_concern_us_is_passed_over(message: str) -> None:
    assert list(dialect().receive(message)) == []


@pytest.mark.parametrize("message", ["", "nonsense", '{"type":1}', "[" * 100_000])
def test_what_cannot_be_read_is_told_without_repeating_it(message: str) -> None:
    with pytest.raises(ValueError, match="message that is none"):
        list(dialect().receive(message))


# -- what goes wrong


def test_a_commit_that_is_refused_is_answered_with_nothing() -> None:
    ours = dialect()
    ours.audio(HALF_SECOND)
    ours.finalize()
    error = {"type": "invalid_request_error", "code": "input_audio_buffer_commit_empty", "event_id": COMMITTING}
    assert tell(ours, "error", error=error) == [final("")]


def test_sound_without_words_is_answered_with_nothing() -> None:
    ours = asked(dialect(), "item_1")
    error = {"type": "transcription_error", "code": "audio_unintelligible", "message": "Unintelligible."}
    assert tell(ours, f"{ABOUT}.failed", item_id="item_1", error=error) == [final("")]


def test_a_transcription_that_fails_ends_the_session_so_that_it_is_heard_again() -> None:
    ours = asked(dialect(), "item_1")
    error = {"type": "server_error", "code": None, "message": "Input transcription failed."}
    (lost,) = tell(ours, f"{ABOUT}.failed", item_id="item_1", error=error)
    assert isinstance(lost, ProviderError)
    assert lost.retryable


def test_a_sign_of_life_that_is_refused_ends_nothing() -> None:
    assert tell(dialect(), "error", error={"code": "invalid_value", "event_id": STAYING}) == []


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        ({"type": "invalid_request_error", "code": "session_expired", "message": "60 minutes."}, True),
        ({"type": "server_error", "message": "Sorry."}, True),
        ({"type": "invalid_request_error", "code": "invalid_value", "event_id": "configure"}, False),
        ({"type": "rate_limit_exceeded", "code": "insufficient_quota"}, False),
        ({}, False),
    ],
)
def test_other_errors_end_the_session(error: dict[str, Any], retryable: bool) -> None:
    (lost,) = tell(dialect(), "error", error=error)
    assert isinstance(lost, ProviderError)
    assert lost.retryable is retryable


def test_a_wrong_key_names_its_variable() -> None:
    (lost,) = tell(dialect(), "error", error={"code": "invalid_api_key", "message": "Incorrect API key: sk-12***89."})
    assert "OPENAI_API_KEY" in str(lost.next_step)
    assert "sk-12" not in lost.message


def test_a_model_that_there_is_not_is_told_with_what_to_do() -> None:
    (lost,) = tell(dialect(), "error", error={"code": "invalid_model", "event_id": "configure"})
    assert isinstance(lost, ProviderError)
    assert "model" in (lost.next_step or "")


def test_a_commit_without_an_answer_holds_later_words_back_until_it_is_given_up() -> None:
    ours = asked(dialect(), "item_1", "item_2")
    assert tell(ours, f"{ABOUT}.completed", item_id="item_2", transcript="Later.") == []
    assert list(ours.give_up()) == [final("Later.")]


def test_words_that_come_after_they_were_given_up_answer_nothing_else() -> None:
    ours = asked(dialect(), "item_1")
    ours.give_up()
    asked(ours, "item_2")
    late = Transcript("Sooner.", final=True)
    assert tell(ours, f"{ABOUT}.completed", item_id="item_1", transcript="Sooner.") == [late]
    assert tell(ours, f"{ABOUT}.completed", item_id="item_2", transcript="Later.") == [final("Later.")]


def test_nothing_that_comes_too_late_is_not_told() -> None:
    ours = asked(dialect(), "item_1")
    ours.give_up()
    assert tell(ours, f"{ABOUT}.completed", item_id="item_1", transcript="") == []


async def test_a_turn_whose_transcription_never_comes_costs_later_turns_nothing() -> None:
    clock = SkippingClock()
    async with OpenAIListenServer("Later.").running() as server, asyncio.timeout(20):
        server.forgets = 1
        provider = OpenAISTT("key", url=f"{server.url}/v1/realtime", clock=clock)
        recognition = await provider.open(SpeechHints())
        recognition.send(speech(provider, 0.5))
        recognition.finalize()
        await server.until(lambda: server.forgets == 0)
        clock.skip(4.5)
        assert await answer(recognition) == ""
        recognition.send(speech(provider, 0.5))
        recognition.finalize()
        assert await answer(recognition) == "Later."
        await recognition.close()


# -- settings


async def configured(provider: OpenAISTT, server: OpenAIListenServer, hints: SpeechHints) -> Any:
    """The session's settings for what it hears, once it has heard something."""
    recognition = await provider.open(hints)
    recognition.send(speech(provider, 0.5))
    recognition.finalize()
    await answer(recognition)
    await recognition.close()
    return server.configured(server.sessions[-1])["audio"]["input"]


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("gpt-4o-transcribe", {"language": "pt", "prompt": "Bom dia Até logo"}),
        ("whisper-1", {"language": "pt", "prompt": "Bom dia Até logo"}),
        ("gpt-transcribe", {"languages": ["pt"], "keywords": ["Bom dia", "Até logo"]}),
        ("gpt-live-transcribe", {"languages": ["pt"], "keywords": ["Bom dia", "Até logo"]}),
        ("gpt-realtime-whisper", {"language": "pt"}),
    ],
)
async def test_each_model_is_told_language_and_phrases_in_its_way(model: str, told: dict[str, Any]) -> None:
    async with OpenAIListenServer("Sim.").running() as server:
        provider = OpenAISTT("key", model=model, url=f"{server.url}/v1/realtime")
        heard = await configured(provider, server, SpeechHints("pt-BR", ("Bom dia", "Até logo")))
    assert heard == {
        "format": {"type": "audio/pcmu"},
        "transcription": {"model": model, **told},
        "turn_detection": None,
        "noise_reduction": None,
    }


async def test_every_option_is_one_that_openai_takes() -> None:
    async with OpenAIListenServer("Yes.").running() as server:
        provider = OpenAISTT(
            "key",
            model="gpt-realtime-whisper",
            language="fr",
            format=PCM16,
            delay="low",
            noise_reduction="near_field",
            url=f"{server.url}/v1/realtime",
        )
        heard = await configured(provider, server, SpeechHints())
    assert heard["format"] == {"type": "audio/pcm", "rate": 24_000}
    assert heard["noise_reduction"] == {"type": "near_field"}
    assert heard["transcription"] == {"model": "gpt-realtime-whisper", "language": "fr", "delay": "low"}


async def test_tokens_are_counted_along_with_the_seconds() -> None:
    async with OpenAIListenServer("Hello.").running() as server:
        provider = OpenAISTT("key", model="gpt-4o-transcribe", url=f"{server.url}/v1/realtime")
        recognition = await provider.open(SpeechHints())
        recognition.send(speech(provider, 0.5))
        recognition.finalize()
        await answer(recognition)
        (used,) = used_by(recognition)
        assert (used.seconds, used.input_tokens, used.input_audio_tokens, used.output_tokens) == (0.5, 17, 17, 9)
        await recognition.close()


async def test_an_unknown_model_is_refused_with_openais_words() -> None:
    async with OpenAIListenServer().running() as server:
        provider = OpenAISTT("key", model="gpt-9-transcribe", url=f"{server.url}/v1/realtime")
        recognition = await provider.open(SpeechHints())
        with pytest.raises(ProviderError, match="gpt-9-transcribe") as refused:
            await answer(recognition)
        await recognition.close()
    assert not refused.value.retryable


def test_it_hears_what_is_said_and_no_silence() -> None:
    provider = OpenAISTT("key")
    assert provider.name == "gpt-transcribe at api.openai.com"
    assert (provider.format, provider.continuous) == (LINE, False)


@pytest.mark.parametrize(
    "wrong",
    [
        {"format": AudioFormat("pcm16", 16_000)},
        {"delay": "low"},
        {"model": "gpt-realtime-whisper", "prompt": "A menu."},
        {"url": "https://api.openai.com/v1/realtime"},
    ],
)
def test_settings_that_cannot_work_are_told_at_once(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        OpenAISTT("key", **wrong)
