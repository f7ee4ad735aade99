from __future__ import annotations

from getpatter.clock import Clock
from getpatter.stt.soniox import KEEP_ALIVE_S, SonioxSTT
from getpatter.testing.contracts.stt import SttContract
from getpatter.testing.vendors.soniox import SonioxServer


class TestSoniox(SttContract):
    key_variable = "SONIOX_API_KEY"
    bills_sessions = True
    keep_alive_s = KEEP_ALIVE_S

    def server(self, *utterances: str, key: str = "") -> SonioxServer:
        return SonioxServer(*utterances, key=key)

    def provider(self, url: str, *, api_key: str, clock: Clock) -> SonioxSTT:
        return SonioxSTT(api_key, url=f"{url}/transcribe-websocket", clock=clock)
