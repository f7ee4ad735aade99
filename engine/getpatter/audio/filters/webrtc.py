"""Noise suppression and echo cancellation of WebRTC's audio processing module, by way of the package `livekit`.

The package is made for conference rooms; of it only the module is used, which opens no connection.  Its native part
starts threads that idle.  A good part of the cost that bench/sound.py prints is the way into it, a message in protocol
buffers for every 10 ms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from getpatter.audio.format import LINE
from getpatter.errors import ConfigurationError

if TYPE_CHECKING:
    from livekit.rtc import AudioProcessingModule

_BLOCK_SAMPLES = LINE.rate // 100
"""The module takes 10 ms at a time."""
_BLOCK_BYTES = 2 * _BLOCK_SAMPLES


class NoiseSuppression:
    """Takes out steady noise: fans, traffic, line noise; speech of others it leaves in.

    Raises `ConfigurationError` where the package `livekit` is missing.
    """

    name = "noise_suppression"
    delay_s = 0.012
    """Measured: 88 to 96 samples."""
    wants_reference = False

    def __init__(self) -> None:
        _load(self.name)

    def open(self) -> WebRtcStream:
        return WebRtcStream(_module(noise_suppression=True))


class EchoCancellation:
    """AEC3: takes out of the caller's sound what came back of the agent's, late by up to 0.5 s.

    It finds the echo's delay by itself, within a second or two of the agent's first words.  Raises
    `ConfigurationError` where the package `livekit` is missing.
    """

    name = "echo_cancellation"
    delay_s = 0.0135
    """Measured: 106 samples."""
    wants_reference = True

    def __init__(self) -> None:
        _load(self.name)

    def open(self) -> WebRtcStream:
        return WebRtcStream(_module(echo_cancellation=True))


class WebRtcStream:
    """One call's processing.  Made by the filters' `open`."""

    def __init__(self, module: AudioProcessingModule) -> None:
        from livekit.rtc import AudioFrame

        self._module = module
        # The module works in place, so one frame over one buffer serves all blocks.
        self._buffer = bytearray(_BLOCK_BYTES)
        self._frame = AudioFrame(self._buffer, LINE.rate, 1, _BLOCK_SAMPLES)

    def process(self, pcm: bytes) -> bytes:
        filtered = bytearray()
        for at in range(0, len(pcm), _BLOCK_BYTES):
            self._buffer[:] = pcm[at : at + _BLOCK_BYTES]
            self._module.process_stream(self._frame)
            filtered += self._buffer
        return bytes(filtered)

    def reference(self, pcm: bytes) -> None:
        for at in range(0, len(pcm), _BLOCK_BYTES):
            self._buffer[:] = pcm[at : at + _BLOCK_BYTES]
            self._module.process_reverse_stream(self._frame)

    def reset(self) -> None:
        """What was learnt of noise and echo stays true over a gap, and the module holds back only its delay."""

    def close(self) -> None:
        """The native module goes with its last reference."""
        del self._module


def _load(name: str) -> None:
    """Import the package and load its native part, about 0.2 s the first time, so that no call waits for it."""
    try:
        _module()
    except ImportError as missing:
        raise ConfigurationError(
            f"The filter {name} needs the package livekit, which cannot be imported: {missing}.",
            next_step="Install it: pip install 'patter-mcp[sound]'",
        ) from missing


def _module(*, noise_suppression: bool = False, echo_cancellation: bool = False) -> AudioProcessingModule:
    from livekit.rtc import AudioProcessingModule

    return AudioProcessingModule(noise_suppression=noise_suppression, echo_cancellation=echo_cancellation)
