"""What OpenAI's recognisers are told before they hear anything: the language, and words that may come."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from getpatter.errors import ConfigurationError

Guidance = dict[str, str | list[str]]
"""Fields of a request, or of a session's `transcription`."""

PROMPT_CHARACTERS: Final = 896
"""Whisper models look at the last 224 tokens of a prompt, of some four characters each."""

_TAKE_LISTS: Final = ("gpt-transcribe", "gpt-live-transcribe")
"""These take several languages, and key words beside the prompt."""
_TAKE_NO_PROMPT: Final = ("gpt-realtime-whisper", "gpt-4o-transcribe-diarize")
_CODES: Final = {"nb": "no", "fil": "tl", "cmn": "zh", "iw": "he", "in": "id"}
"""Languages that Whisper models know by another code (`whisper/tokenizer.py`)."""


def guidance(model: str, *, language: str, prompt: str, phrases: Iterable[str]) -> Guidance:
    """`language` is a code of `language_code`, or empty: the model finds out.  A prompt that was given is never cut;
    phrases are left out from where they do not fit any more.  What the model does not take is left out."""
    said = [phrase for phrase in phrases if phrase.strip()]
    if model.startswith(_TAKE_LISTS):
        lists: Guidance = {"languages": [language] if language else [], "prompt": prompt, "keywords": said}
        return _told(lists)
    if model.startswith(_TAKE_NO_PROMPT):
        return _told({"language": language})
    return _told({"language": language, "prompt": _joined(prompt, said)})


def check_prompt(model: str, prompt: str) -> None:
    """Raises `ConfigurationError` for a prompt that the model does not take."""
    if prompt and model.startswith(_TAKE_NO_PROMPT):
        raise ConfigurationError(f"{model} takes no prompt.", next_step="Leave `prompt` out, or use another model.")


def language_code(given: str, hinted: str) -> str:
    """ISO 639-1: what was `given`, as it is; else of the call's BCP 47 tag, empty where it has no such code, since one
    that is not known would be refused with every utterance."""
    if given:
        return given
    code = hinted.partition("-")[0].lower()
    code = _CODES.get(code, code)
    return code if len(code) == 2 else ""


def _joined(prompt: str, phrases: list[str]) -> str:
    room = PROMPT_CHARACTERS - len(prompt)
    parts = [prompt] if prompt else []
    for phrase in phrases:
        room -= len(phrase) + 1
        if room < 0:
            break
        parts.append(phrase)
    return " ".join(parts)


def _told(fields: Guidance) -> Guidance:
    return {name: value for name, value in fields.items() if value}
