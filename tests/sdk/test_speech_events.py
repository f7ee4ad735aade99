from __future__ import annotations

from typing import get_args

from getpatter.events import TurnTrigger
from getpatter.observability.speech_events import SpeechEvent, UserSpeechEos, UserSpeechStarted
from getpatter.sdk.speech_events import TRIGGERS, SpeechEvents, payload


def ignore(told: object) -> None:
    """A callback."""


def test_each_moment_has_a_callback_of_its_own() -> None:
    names = [name for name in vars(SpeechEvents) if name.startswith("on_")]
    speech = SpeechEvents()
    found = {speech.callback_for(kind.__new__(kind))[0] for kind in get_args(SpeechEvent)}
    assert found == set(names)
    assert len(names) == 7


def test_a_callback_can_be_set_at_any_time() -> None:
    speech, moment = SpeechEvents(), UserSpeechStarted(call_id="call_1", timestamp_ms=1.0)
    assert speech.callback_for(moment) == ("on_user_speech_started", None)
    speech.on_user_speech_started = ignore
    assert speech.callback_for(moment) == ("on_user_speech_started", ignore)


def test_a_payload_names_its_call_and_leaves_out_what_was_not_observed() -> None:
    moment = UserSpeechEos(
        call_id="call_1", timestamp_ms=5.0, trigger="keys", trailing_silence_ms=None, transcript_so_far="1 2"
    )
    assert payload(moment) == {
        "call_id": "call_1",
        "timestamp_ms": 5.0,
        "trigger": "manual_commit",
        "transcript_so_far": "1 2",
    }


def test_every_trigger_has_its_word() -> None:
    assert TRIGGERS.keys() == set(get_args(TurnTrigger))
