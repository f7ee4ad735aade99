"""Pipecat's serializers: what another agent says to carriers, and what it hears them say."""

from __future__ import annotations

import asyncio
from typing import Any

from pipecat.frames.frames import InputAudioRawFrame, InputDTMFFrame, InterruptionFrame, OutputAudioRawFrame
from pipecat.serializers.plivo import PlivoFrameSerializer
from pipecat.serializers.telnyx import TelnyxFrameSerializer
from pipecat.serializers.twilio import TwilioFrameSerializer

RATE = 8000
"""The line's own: at any other the first frames get lost in a resampler."""


def serialize(carrier: str, stream_id: str, audio: list[str]) -> list[str]:
    """The messages for runs of 16-bit PCM, in hexadecimal, and last the one for an interruption."""
    frames = [OutputAudioRawFrame(bytes.fromhex(pcm), RATE, 1) for pcm in audio]
    return asyncio.run(_each(_serializer(carrier, stream_id), "serialize", [*frames, InterruptionFrame()]))


def deserialize(carrier: str, stream_id: str, messages: list[str]) -> list[dict[str, str] | None]:
    frames = asyncio.run(_each(_serializer(carrier, stream_id), "deserialize", messages))
    return [_told(frame) for frame in frames]


def _serializer(carrier: str, stream_id: str) -> Any:
    match carrier:
        case "twilio":
            params = TwilioFrameSerializer.InputParams(sample_rate=RATE, auto_hang_up=False)
            return TwilioFrameSerializer(stream_id, params=params)
        case "telnyx":
            params = TelnyxFrameSerializer.InputParams(sample_rate=RATE, auto_hang_up=False)
            return TelnyxFrameSerializer(stream_id, "PCMU", "PCMU", params=params)
        case _:
            params = PlivoFrameSerializer.InputParams(sample_rate=RATE, auto_hang_up=False)
            return PlivoFrameSerializer(stream_id, params=params)


async def _each(serializer: Any, method: str, items: list[Any]) -> list[Any]:
    # A pipeline's setup would only say the rate, which is set already.
    await serializer.setup(None)
    step = {"serialize": serializer.serialize, "deserialize": serializer.deserialize}[method]
    return [await step(item) for item in items]


def _told(frame: Any) -> dict[str, str] | None:
    match frame:
        case InputAudioRawFrame():
            return {"audio": frame.audio.hex()}
        case InputDTMFFrame():
            return {"digit": frame.button.value}
        case _:
            return None


ANSWERS = {"serialize": serialize, "deserialize": deserialize}
