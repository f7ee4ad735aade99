"""A voice that is a recording of a person's: parties take it for speech, and what they heard of it can be compared."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from getpatter.audio.format import LINE, SILENCE, AudioFormat
from getpatter.errors import ProviderError
from getpatter.testing.clips import load_clip
from getpatter.tts.base import SpeechChunk

CLIP_VOICE = "rms"


class ClipTTS:
    """Says the sentences of which there is a clip in `CLIP_VOICE`, each at once."""

    name = "clips"
    format: AudioFormat = LINE

    async def open(self, language: str = "en-US") -> ClipTTS:
        return self

    async def synthesize(self, text: str) -> AsyncGenerator[SpeechChunk]:
        if (clip := load_clip(CLIP_VOICE, text)) is None:
            raise ProviderError(f"There is no clip of {text!r}.", provider=self.name)
        yield SpeechChunk(clip)

    async def close(self) -> None:
        pass


def sound_of(*sentences: str) -> bytes:
    """What `ClipTTS` says, as `without_silence` leaves it.  Raises `KeyError` for a sentence without a clip."""
    clips = {sentence: load_clip(CLIP_VOICE, sentence) for sentence in sentences}
    return without_silence(b"".join(clips[sentence] or _missing(sentence) for sentence in sentences))


def without_silence(ulaw: bytes) -> bytes:
    """All but digital silence, which is what a line plays while nothing is sent."""
    return ulaw.replace(bytes([SILENCE]), b"")


def _missing(sentence: str) -> bytes:
    raise KeyError(sentence)
