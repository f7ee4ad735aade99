from __future__ import annotations

from getpatter.clock import Clock
from getpatter.testing.contracts.tts import TtsContract
from getpatter.testing.vendors.elevenlabs import ElevenLabsRestServer
from getpatter.tts.elevenlabs_rest import ElevenLabsRestTTS


class TestElevenLabsRest(TtsContract):
    key_variable = "ELEVENLABS_API_KEY"
    gives_word_times = True

    def server(self, *, key: str = "") -> ElevenLabsRestServer:
        return ElevenLabsRestServer(key=key)

    def provider(self, url: str, *, api_key: str, clock: Clock, voice: str = "") -> ElevenLabsRestTTS:
        return ElevenLabsRestTTS(api_key, voice=voice, url=url.replace("ws://", "http://"), clock=clock)
