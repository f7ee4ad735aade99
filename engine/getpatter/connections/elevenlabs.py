"""What ElevenLabs' recogniser and its voices have in common: how they say that something is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from getpatter.connections.faults import Faults
from getpatter.connections.vendors import ELEVENLABS
from getpatter.errors import ProviderError

_KEY: Final = f"Set {ELEVENLABS.key_variable} to a valid key of ElevenLabs."
_CREDIT: Final = "Add credit at ElevenLabs, or allow the key to use more of it."
_LATER: Final = "Try again in a moment."

_FINAL: Final[Mapping[str, str | None]] = {
    "auth_error": _KEY,
    "invalid_api_key": _KEY,
    "missing_api_key": _KEY,
    "quota_exceeded": _CREDIT,
    "unaccepted_terms": "Accept the terms of this model at ElevenLabs.",
    "voice_not_found": "Check the voice.",
    "voice_id_does_not_exist": "Check the voice.",
    "model_not_found": "Check the model.",
    "invalid_request": None,
    "input_error": None,
    "chunk_size_exceeded": None,
}
"""Kinds of complaints with which the same request would meet again, and what to do; all others may pass."""


class ElevenLabsFaults(Faults):
    def complained(self, kind: str, words: str) -> ProviderError:
        """An error message on an open socket; `kind` is the vendor's name for it."""
        words = words if kind not in ("auth_error", "invalid_api_key") else ""
        what = f"complains ({kind}): {words}" if words else f"complains ({kind})"
        next_step = _FINAL.get(kind, _LATER)
        if kind == "model_not_found":
            next_step = self.ended() or next_step
        return self.failed(what, retryable=kind not in _FINAL, next_step=next_step)

    def refused(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> ProviderError:
        """A used-up quota comes with the status of a wrong key."""
        return super().refused(402 if status == 401 and _kind(body) == "quota_exceeded" else status, body, headers)


class _Detail(msgspec.Struct):
    code: str = ""
    status: str = ""
    """What `code` was called before."""


class _Refusal(msgspec.Struct):
    detail: _Detail = msgspec.field(default_factory=_Detail)


def _kind(body: bytes) -> str:
    try:
        detail = msgspec.json.decode(body, type=_Refusal).detail
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return ""
    return detail.code or detail.status
