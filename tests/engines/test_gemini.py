from __future__ import annotations

from getpatter.clock import Clock
from getpatter.engines.gemini import GeminiLive
from getpatter.testing.contracts.realtime import RealtimeContract
from getpatter.testing.realtime_session import Spoken
from getpatter.testing.vendors.gemini_live import GeminiLiveServer


class TestGeminiLive(RealtimeContract):
    key_variable = "GOOGLE_API_KEY"
    tells_usage = False

    def server(
        self, *answers: Spoken, heard: tuple[str, ...] = (), key: str = "", pace: float = 0.0
    ) -> GeminiLiveServer:
        return GeminiLiveServer(*answers, heard=heard, key=key, pace=pace)

    def engine(self, url: str, *, api_key: str, clock: Clock) -> GeminiLive:
        return GeminiLive(api_key, url=url, clock=clock)
