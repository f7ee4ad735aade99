"""How OpenAI's realtime protocol takes what is heard, of which recognisers and speech-to-speech engines are made."""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from typing import Any, Final, Literal

from getpatter.audio.format import LINE, AudioFormat

PCM16: Final = AudioFormat("pcm16", 24_000)
"""The only linear format that the API takes."""
FORMATS: Final[Mapping[AudioFormat, Mapping[str, Any]]] = {
    LINE: {"type": "audio/pcmu"},
    PCM16: {"type": "audio/pcm", "rate": 24_000},
}
MIN_COMMIT_S: Final = 0.1
"""The API refuses to commit less audio."""
TRANSCRIPT_S: Final = 4.5
"""Longest that the transcript of what was committed keeps anything waiting; the API sets no limit."""
NoiseReduction = Literal["near_field", "far_field"]
"""Of a microphone at the mouth, or in a room."""
COMMITTING: Final = "commit"
"""The id of a message that commits, which errors about it name."""
NO_SUCH_MODEL: Final = frozenset({"model_not_found", "invalid_model"})
"""Codes of errors about a model that there is not, or not for this kind of session."""
NOTHING_SAID: Final = "audio_unintelligible"
"""The code with which a transcription of no words fails."""


def append(audio: bytes) -> str:
    """As text at once: base64 needs no escapes, and this is the message of which there are many."""
    return f'{{"type":"input_audio_buffer.append","audio":"{binascii.b2a_base64(audio, newline=False).decode()}"}}'
