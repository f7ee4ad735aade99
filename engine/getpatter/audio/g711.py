"""G.711 µ-law and 16-bit PCM (ITU-T G.711; values scaled to 16 bits as telephony software does)."""

from __future__ import annotations

import warnings

import numpy as np

with warnings.catch_warnings():
    # On 3.11 and 3.12 this is the standard library's module, which announces its removal; from 3.13 on the same code
    # comes from audioop-lts.
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop


def decode(mulaw: bytes) -> bytes:
    """One byte a sample to little-endian pcm16."""
    return audioop.ulaw2lin(mulaw, 2)


def encode(pcm16: bytes) -> bytes:
    """Little-endian pcm16 to one byte a sample; raises `audioop.error` for half a sample."""
    return audioop.lin2ulaw(pcm16, 2)


def from_alaw(alaw: bytes) -> bytes:
    """A-law to µ-law, byte for byte."""
    return alaw.translate(_ALAW_TO_MULAW)


def add(first: bytes, second: bytes) -> bytes:
    """The sum of two runs of pcm16, equally long; what exceeds 16 bits stays at their limit."""
    return audioop.add(first, second, 2)


def rms(mulaw: bytes | bytearray) -> int:
    """Root mean square in 16-bit steps: 0 for silence, at most 32124."""
    return audioop.rms(audioop.ulaw2lin(mulaw, 2), 2)


_ALAW_TO_MULAW = encode(audioop.alaw2lin(bytes(range(256)), 2))

# A table look-up overtakes the functions above only when many frames are decoded at once.
MULAW_TO_PCM16 = np.frombuffer(decode(bytes(range(256))), dtype="<i2")
"""int16 [256], read-only: the sample of each µ-law byte, within ±32124."""

MULAW_TO_FLOAT = MULAW_TO_PCM16.astype(np.float32) / np.float32(32768)
"""float32 [256], read-only: the same in [-1, 1)."""
MULAW_TO_FLOAT.flags.writeable = False
