from __future__ import annotations

from getpatter.clock import Clock
from getpatter.engines.ultravox import UltravoxRealtime
from getpatter.testing.contracts.managed_realtime import ManagedRealtimeContract
from getpatter.testing.realtime_session import Spoken
from getpatter.testing.vendors.ultravox import UltravoxServer


class TestUltravoxRealtime(ManagedRealtimeContract):
    key_variable = "ULTRAVOX_API_KEY"

    def server(self, *answers: Spoken, heard: tuple[str, ...] = (), key: str = "", pace: float = 0.0) -> UltravoxServer:
        return UltravoxServer(*answers, heard=heard, key=key, pace=pace)

    def engine(self, url: str, *, api_key: str, clock: Clock) -> UltravoxRealtime:
        return UltravoxRealtime(api_key, url=url.replace("ws://", "http://"), clock=clock)


class TestUltravoxWhoseWordsComeLate(TestUltravoxRealtime):
    def server(self, *answers: Spoken, heard: tuple[str, ...] = (), key: str = "", pace: float = 0.0) -> UltravoxServer:
        return UltravoxServer(*answers, heard=heard, key=key, pace=pace, late_words=True)
