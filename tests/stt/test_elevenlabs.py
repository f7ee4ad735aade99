from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from elevenlabs.types.input_audio_chunk_payload import InputAudioChunkPayload

from getpatter.audio.format import AudioFormat
from getpatter.clock import Clock
from getpatter.connections.elevenlabs import ElevenLabsFaults
from getpatter.connections.vendors import ELEVENLABS
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.stt.base import HeardWord, SpeechHints, Transcript
from getpatter.stt.dialect import Happening
from getpatter.stt.elevenlabs import CommitStrategy, ElevenLabsDialect, ElevenLabsSTT
from getpatter.testing.contracts.stt import KEY, SttContract, answer, speech
from getpatter.testing.vendors.elevenlabs_scribe import ElevenLabsScribeServer, parameters


class TestElevenLabs(SttContract):
    key_variable = "ELEVENLABS_API_KEY"
    opens_late = True

    def server(self, *utterances: str, key: str = "") -> ElevenLabsScribeServer:
        return ElevenLabsScribeServer(*utterances, key=key)

    def provider(self, url: str, *, api_key: str, clock: Clock) -> ElevenLabsSTT:
        return ElevenLabsSTT(api_key, url=url, clock=clock)

    async def test_what_has_gathered_is_sent_in_pieces_of_a_second(self) -> None:
        async with self._call("Hello.") as (provider, recognition, server):
            recognition.send(speech(provider, 3.5))
            recognition.finalize()
            await answer(recognition)
            sizes = [len(base64.b64decode(message["audio_base_64"])) for message in server.sessions[0].told]
        assert sizes == [8000, 8000, 8000, 4000, 0]

    async def test_the_vendors_own_types_know_each_message(self) -> None:
        async with self._call("Hello.") as (provider, recognition, server):
            recognition.send(speech(provider, 0.5))
            recognition.finalize()
            await answer(recognition)
            messages = [InputAudioChunkPayload.model_validate(message) for message in server.sessions[0].told]
        assert [(message.commit, message.sample_rate, message.model_extra) for message in messages] == [
            (False, 8000, {}),
            (True, 8000, {}),
        ]

    async def test_words_have_their_times_where_they_are_asked_for(self) -> None:
        async with ElevenLabsScribeServer("Hello there.").running() as server:
            provider = ElevenLabsSTT(KEY, include_timestamps=True, url=server.url)
            (transcript,) = await transcripts(provider)
        assert transcript == Transcript(
            "Hello there.",
            final=True,
            from_finalize=True,
            words=(HeardWord("Hello", 0.0, 0.3), HeardWord("there.", 0.3, 0.6)),
            language="en",
        )

    async def test_too_little_audio_for_a_transcript_is_answered_with_nothing(self) -> None:
        async with self._call("Hello.") as (provider, recognition, _):
            recognition.send(speech(provider, 0.1))
            recognition.finalize()
            assert await answer(recognition) == ""
            recognition.send(speech(provider, 0.5))
            recognition.finalize()
            assert await answer(recognition) == "Hello."

    @pytest.mark.parametrize(("strategy", "end_of_turn"), [("vad", False), ("turn_prediction", True)])
    async def test_the_vendor_may_find_the_end_itself(self, strategy: CommitStrategy, end_of_turn: bool) -> None:
        async with ElevenLabsScribeServer("Hello.").running() as server:
            provider = ElevenLabsSTT(KEY, commit_strategy=strategy, url=server.url)
            recognition = await provider.open(SpeechHints())
            recognition.send(speech(provider, 0.5))
            session = await server.connected()
            await server.until(lambda: bool(server.heard(session)))
            await server.commit(session)
            finals = (transcript async for transcript in recognition.transcripts() if transcript.final)
            assert await anext(finals) == Transcript("Hello.", final=True, end_of_turn=end_of_turn)
            await recognition.close()


async def transcripts(provider: ElevenLabsSTT, hints: SpeechHints | None = None) -> list[Transcript]:
    """The final ones of half a second."""
    recognition = await provider.open(hints or SpeechHints())
    recognition.send(speech(provider, 0.5))
    recognition.finalize()
    found = []
    async for transcript in recognition.transcripts():
        if transcript.final:
            found.append(transcript)
            break
    await recognition.close()
    return found


async def asked(hints: SpeechHints | None = None, **settings: Any) -> dict[str, list[str]]:
    """What these settings ask the vendor for."""
    async with ElevenLabsScribeServer("Hello.").running() as server:
        await transcripts(ElevenLabsSTT(KEY, url=server.url, **settings), hints)
        return parameters(server.sessions[0])


async def test_the_telephones_audio_goes_as_it_came() -> None:
    assert await asked() == {
        "model_id": ["scribe_v2_realtime"],
        "audio_format": ["ulaw_8000"],
        "commit_strategy": ["manual"],
        "language_code": ["en"],
    }


async def test_options_are_passed_on_by_the_vendors_names() -> None:
    query = await asked(
        model="scribe_v3_live",
        language="de-AT",
        format=AudioFormat("pcm16", 16000),
        commit_strategy="vad",
        vad_silence_threshold_secs=0.5,
        min_speech_duration_ms=100,
        no_verbatim=True,
        enable_logging=False,
    )
    assert query == {
        "model_id": ["scribe_v3_live"],
        "audio_format": ["pcm_16000"],
        "commit_strategy": ["vad"],
        "language_code": ["de"],
        "vad_silence_threshold_secs": ["0.5"],
        "min_speech_duration_ms": ["100"],
        "no_verbatim": ["true"],
        "enable_logging": ["false"],
    }


PHRASES = SpeechHints(phrases=("Patter & co", "a phrase of more than twenty letters", "été"))


async def test_phrases_that_fit_are_keyterms() -> None:
    assert (await asked(PHRASES))["keyterms"] == ["Patter & co", "été"]
    many = SpeechHints(phrases=tuple(f"term {number}" for number in range(60)))
    assert len((await asked(many))["keyterms"]) == 50


async def test_keyterms_may_be_given_or_left_out() -> None:
    assert (await asked(PHRASES, keyterms=["Twilio"]))["keyterms"] == ["Twilio"]
    assert "keyterms" not in await asked(PHRASES, keyterms=())


@pytest.mark.parametrize(
    "wrong",
    [
        {"format": AudioFormat("mulaw", 16000)},
        {"keyterms": "Patter"},
        {"keyterms": ["a phrase of more than twenty letters"]},
        {"keyterms": ["term"] * 51},
        {"vad_silence_threshold_secs": 5.0},
        {"vad_threshold": 1.0},
        {"min_speech_duration_ms": 10},
    ],
)
def test_what_cannot_work_is_told_when_the_provider_is_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        ElevenLabsSTT(KEY, **wrong)


# -- the dialect


def dialect(*, timestamps: bool = False) -> ElevenLabsDialect:
    return ElevenLabsDialect(8000, "manual", ElevenLabsFaults("m at acme.example", ELEVENLABS), timestamps=timestamps)


def told(dialect: ElevenLabsDialect, kind: str, **fields: object) -> list[Happening]:
    return list(dialect.receive(json.dumps({"message_type": kind, **fields})))


def test_interims_show_what_is_being_said() -> None:
    assert told(dialect(), "partial_transcript", text="Hel") == [Transcript("Hel", final=False)]
    assert told(dialect(), "partial_transcript", text="") == []


def test_a_commit_that_nobody_asked_for_answers_no_request() -> None:
    scribe = dialect()
    list(scribe.finalize())
    assert told(scribe, "committed_transcript", text="One.") == [Transcript("One.", final=True, from_finalize=True)]
    assert told(scribe, "committed_transcript", text="Two.") == [Transcript("Two.", final=True)]


def test_a_commit_of_too_little_audio_is_answered_at_once() -> None:
    scribe = dialect()
    list(scribe.finalize())
    assert told(scribe, "commit_throttled", error="only 0.10s") == [Transcript("", final=True, from_finalize=True)]


def test_with_times_the_plain_transcript_is_passed_over() -> None:
    scribe = dialect(timestamps=True)
    assert told(scribe, "committed_transcript", text="One.") == []
    assert told(scribe, "committed_transcript_with_timestamps", text="One.", words=None) == [
        Transcript("One.", final=True)
    ]


@pytest.mark.parametrize("kind", ["insufficient_audio_activity", "warning", "something_new"])
def test_a_notice_does_not_end_the_session(kind: str) -> None:
    assert told(dialect(), kind, warning="quiet") == []
    assert told(dialect(), "insufficient_audio_activity", error="quiet") == []


@pytest.mark.parametrize(("kind", "retryable"), [("quota_exceeded", False), ("rate_limited", True), ("new", True)])
def test_an_error_ends_the_session(kind: str, retryable: bool) -> None:
    (error,) = told(dialect(), kind, error="No more.")
    assert isinstance(error, ProviderError)
    assert (error.message, error.retryable) == (f"m at acme.example complains ({kind}): No more.", retryable)
