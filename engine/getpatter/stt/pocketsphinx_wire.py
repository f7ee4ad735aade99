"""What passes between `pocketsphinx` and its worker processes, beside `worker_wire`."""

from __future__ import annotations

import msgspec

from getpatter.stt.worker_wire import Audio, Finalize


class Begin(msgspec.Struct, frozen=True, tag=True):
    """First on a channel; answered by `Ready`.  Without phrases the general model is used."""

    phrases: tuple[str, ...] = ()


Request = Begin | Audio | Finalize
