from __future__ import annotations

from getpatter.clock import Clock
from getpatter.engines.elevenlabs import ElevenLabsConvAI
from getpatter.testing.contracts.managed_realtime import ManagedRealtimeContract
from getpatter.testing.realtime_session import Spoken
from getpatter.testing.vendors.elevenlabs_convai import ElevenLabsConvAIServer


class TestElevenLabsConvAI(ManagedRealtimeContract):
    key_variable = "ELEVENLABS_API_KEY"
    takes_tools = False

    def server(
        self, *answers: Spoken, heard: tuple[str, ...] = (), key: str = "", pace: float = 0.0
    ) -> ElevenLabsConvAIServer:
        return ElevenLabsConvAIServer(*answers, heard=heard, key=key, pace=pace)

    def engine(self, url: str, *, api_key: str, clock: Clock) -> ElevenLabsConvAI:
        return ElevenLabsConvAI("agent_1", api_key, url=url, clock=clock)
