"""Which telephone company the settings name."""

from __future__ import annotations

from dataclasses import dataclass

from getpatter.carriers.base import Carrier
from getpatter.conversation.listening import Listening
from getpatter.errors import ConfigurationError
from getpatter.settings import Settings
from getpatter.testing.carrier import SimCarrier
from getpatter.tts.base import TextToSpeech


@dataclass(frozen=True, slots=True)
class Telephone:
    """A carrier, and what must be known about it beside its contract."""

    carrier: Carrier
    simulated: bool
    """It reaches nobody real, so any number may be dialled."""
    how_to_try: str


def telephone(settings: Settings, listening: Listening, tts: TextToSpeech) -> Telephone:
    """Raises `ConfigurationError` for a carrier that we do not have.  `tts` speaks for a user's own parties."""
    if settings.carrier == "sim":
        return Telephone(
            SimCarrier.at_home(settings.home, tts=tts, listening=listening),
            simulated=True,
            how_to_try="Run `getpatter sim call` on this machine: a simulated caller rings the agent.",
        )
    raise ConfigurationError(
        f"There is no carrier {settings.carrier!r}.",
        next_step="Set PATTER_CARRIER=sim, the simulated telephone network.",
    )
