"""One voice by either of its names."""

from __future__ import annotations

from getpatter.errors import ConfigurationError


def chosen_voice(voice: str, voice_id: str, default: str = "") -> str:
    """`voice` and `voice_id` are two names of one argument; `default` where neither is given.

    Raises `ConfigurationError` when they differ, and when there is no voice at all.
    """
    if voice and voice_id and voice != voice_id:
        raise ConfigurationError(
            f"Two voices are given: voice={voice!r} and voice_id={voice_id!r}.", next_step="Pass one of them."
        )
    chosen = voice or voice_id or default
    if not chosen:
        raise ConfigurationError("A voice is missing.", next_step="Pass it as `voice`.")
    return chosen
