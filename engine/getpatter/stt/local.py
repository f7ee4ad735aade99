"""The recogniser that this machine can run by itself."""

from __future__ import annotations

from getpatter.stt.base import SpeechToText
from getpatter.stt.pocketsphinx import PocketSphinxSTT


def local_stt() -> SpeechToText:
    """Needs no key and no network; raises `ConfigurationError` where PocketSphinx is not installed."""
    return PocketSphinxSTT()
