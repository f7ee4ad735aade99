"""The moments of speech, as callbacks are given them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from getpatter.events import TurnTrigger
from getpatter.observability.speech_events import (
    AgentSpeechEnded,
    AgentSpeechStarted,
    AudioOut,
    LlmToken,
    SpeechEvent,
    UserSpeechEnded,
    UserSpeechEos,
    UserSpeechStarted,
)
from getpatter.sdk.callback import Callback

TRIGGERS: Mapping[TurnTrigger, str] = {
    "silence": "vad_silence",
    "turn_detector": "semantic_turn_detector",
    "recogniser": "semantic_turn_detector",
    "keys": "manual_commit",
}


class SpeechEvents:
    """Callbacks for the moments of speech, of all calls; each is given one dict, which names its call.

    All have `call_id` and `timestamp_ms` (Unix milliseconds).  They may be set at any time.
    """

    on_user_speech_started: Callback | None = None
    on_user_speech_ended: Callback | None = None
    """`speech_duration_ms`"""
    on_user_speech_eos: Callback | None = None
    """The caller has finished.  `trigger` (`vad_silence`, `semantic_turn_detector`, `manual_commit`),
    `trailing_silence_ms`, `transcript_so_far`"""
    on_agent_speech_started: Callback | None = None
    """`turn_idx`, `tts_provider`"""
    on_agent_speech_ended: Callback | None = None
    """`speech_duration_ms`, `interrupted`"""
    on_llm_token: Callback | None = None
    """The first token of an answer.  `turn_idx`, `llm_provider`, `model`"""
    on_audio_out: Callback | None = None
    """The first audio of an answer.  `turn_idx`, `tts_provider`"""

    def callback_for(self, event: SpeechEvent) -> tuple[str, Callback | None]:
        """The callback that is told of this moment, and its name."""
        match event:
            case UserSpeechStarted():
                return "on_user_speech_started", self.on_user_speech_started
            case UserSpeechEnded():
                return "on_user_speech_ended", self.on_user_speech_ended
            case UserSpeechEos():
                return "on_user_speech_eos", self.on_user_speech_eos
            case AgentSpeechStarted():
                return "on_agent_speech_started", self.on_agent_speech_started
            case AgentSpeechEnded():
                return "on_agent_speech_ended", self.on_agent_speech_ended
            case LlmToken():
                return "on_llm_token", self.on_llm_token
            case AudioOut():
                return "on_audio_out", self.on_audio_out


def payload(event: SpeechEvent) -> dict[str, Any]:
    """The moment as a dict, without what was not observed."""
    told = {name: value for name, value in asdict(event).items() if value is not None}
    if isinstance(event, UserSpeechEos):
        told["trigger"] = TRIGGERS[event.trigger]
    return told
