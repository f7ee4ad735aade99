from __future__ import annotations

from getpatter.clock import Clock
from getpatter.testing.contracts.tts import TtsContract
from getpatter.testing.vendors.elevenlabs import ElevenLabsServer
from getpatter.tts.elevenlabs import ElevenLabsTTS


class TestElevenLabs(TtsContract):
    key_variable = "ELEVENLABS_API_KEY"
    gives_word_times = True

    def server(self, *, key: str = "") -> ElevenLabsServer:
        return ElevenLabsServer(key=key)

    def provider(self, url: str, *, api_key: str, clock: Clock, voice: str = "") -> ElevenLabsTTS:
        return ElevenLabsTTS(api_key, voice=voice, url=url, clock=clock)
