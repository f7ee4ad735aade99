"""The recognisers that this machine can run by itself."""

from __future__ import annotations

from getpatter.errors import ConfigurationError
from getpatter.stt import faster_whisper_files, moonshine_files
from getpatter.stt.base import SpeechToText
from getpatter.stt.faster_whisper import FasterWhisperSTT
from getpatter.stt.moonshine import MoonshineSTT
from getpatter.stt.pocketsphinx import PocketSphinxSTT


def local_stt(model: str = "") -> SpeechToText:
    """The recogniser with a model of this name, e.g. `whisper-small` or `moonshine-small-streaming`.

    With `model` empty it is PocketSphinx, which needs no download.  None needs a key or, in a call, the network.
    Raises `ConfigurationError` for an unknown name and where the package is not installed.
    """
    if model in ("", "pocketsphinx"):
        return PocketSphinxSTT()
    if model.startswith(faster_whisper_files.PREFIX):
        return FasterWhisperSTT(model.removeprefix(faster_whisper_files.PREFIX))
    if model.startswith(moonshine_files.PREFIX):
        name, language = moonshine_files.split_name(model.removeprefix(moonshine_files.PREFIX))
        return MoonshineSTT(name, language=language)
    raise ConfigurationError(
        f"There is no local recogniser {model!r}.", next_step="`getpatter fetch` lists those that there are."
    )
