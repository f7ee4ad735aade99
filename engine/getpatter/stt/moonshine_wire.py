"""What passes between `moonshine` and its worker process, beside `worker_wire`."""

from __future__ import annotations

import msgspec

from getpatter.stt.worker_wire import Audio, Finalize


class Begin(msgspec.Struct, frozen=True, tag=True):
    """First on a channel; answered by `Ready` or `Failed`."""

    model: str
    language: str
    folder: str
    """Where the model lies; empty for the library's own cache."""
    phrases: tuple[str, ...]
    interims: bool


Request = Begin | Audio | Finalize
