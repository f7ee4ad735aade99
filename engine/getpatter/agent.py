"""Who speaks for us on the telephone, as configuration."""

from __future__ import annotations

from dataclasses import dataclass

from getpatter.llm.base import LanguageModel
from getpatter.stt.base import SpeechToText
from getpatter.tts.base import TextToSpeech


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnSettings:
    """When somebody's turn begins and ends, in seconds."""

    vad_stop_s: float = 0.5
    """Silence after speech that ends the caller's turn."""
    vad_start_s: float = 0.064
    """Speech that begins it (two VAD windows)."""
    stt_timeout_s: float = 3.0
    """Longest wait for a final transcript after the turn ended."""
    silence_timeout_s: float = 12.0
    """Nobody speaks this long: the agent asks once whether anybody is there, then says goodbye."""
    max_duration_s: float = 600.0
    """The agent says goodbye when the call has lasted this long."""
    goodbye_timeout_s: float = 15.0
    """Longest silence while a goodbye is to be said: then the line drops without it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A voice, a mind and an ear, and what they are to do.  Serves any number of calls at once."""

    system_prompt: str
    llm: LanguageModel
    stt: SpeechToText
    tts: TextToSpeech
    name: str = "assistant"
    first_message: str = ""
    """Said as soon as the line is open; when empty the agent waits to be spoken to."""
    voicemail_message: str = ""
    """Left after an answering machine's greeting; when empty the agent hangs up on machines."""
    language: str = "en-US"
    phrases: tuple[str, ...] = ()
    """Sentences the far end is likely to say; helps recognisers that can use them."""
    still_there_message: str = "Are you still there?"
    silence_message: str = "I cannot hear anybody, so I will hang up now. Goodbye."
    time_limit_message: str = "I am sorry, our time is up. Goodbye."
    error_message: str = "I am sorry, I have a technical problem and must end this call. Goodbye."
    shutdown_message: str = "I am sorry, I have to end this call now. Goodbye."
    turns: TurnSettings = TurnSettings()
