from __future__ import annotations

from getpatter.clock import Clock
from getpatter.stt.elevenlabs import ElevenLabsSTT
from getpatter.testing.contracts.stt import SttContract
from getpatter.testing.vendors.elevenlabs_scribe import ElevenLabsScribeServer


class TestElevenLabs(SttContract):
    key_variable = "ELEVENLABS_API_KEY"
    opens_late = True

    def server(self, *utterances: str, key: str = "") -> ElevenLabsScribeServer:
        return ElevenLabsScribeServer(*utterances, key=key)

    def provider(self, url: str, *, api_key: str, clock: Clock) -> ElevenLabsSTT:
        return ElevenLabsSTT(api_key, url=url, clock=clock)
