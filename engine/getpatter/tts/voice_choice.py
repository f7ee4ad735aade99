"""Which voice is meant by whoever makes a provider."""

from __future__ import annotations

from getpatter.errors import ConfigurationError


def chosen_voice(voice: str, voice_id: str, default: str) -> str:
    """The voice that was given under either name, else `default`.  Raises `ConfigurationError` for two that differ."""
    if voice and voice_id and voice != voice_id:
        raise ConfigurationError(
            f"Two voices were given: voice={voice!r} and voice_id={voice_id!r}.", next_step="Pass one of them."
        )
    return voice or voice_id or default
