"""What passes between `faster_whisper` and its worker process, beside `worker_wire`."""

from __future__ import annotations

import msgspec

from getpatter.stt.worker_wire import Audio, Finalize


class Model(msgspec.Struct, frozen=True):
    """What is loaded, and onto what."""

    model: str
    device: str
    compute_type: str
    threads: int


class Begin(msgspec.Struct, frozen=True, tag=True):
    """First on a channel; answered by `Ready` or `Failed`."""

    model: Model
    language: str
    """BCP 47."""
    phrases: tuple[str, ...]
    beam_size: int


Request = Begin | Audio | Finalize
