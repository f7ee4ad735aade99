"""What every speech-to-speech engine that is reached by a WebSocket has to do."""

from __future__ import annotations

from getpatter.testing.contracts.realtime_failures import RealtimeFailures
from getpatter.testing.contracts.realtime_secrets import RealtimeSecrets
from getpatter.testing.contracts.realtime_sessions import RealtimeSessions
from getpatter.testing.contracts.realtime_tools import RealtimeTools
from getpatter.testing.contracts.realtime_turns import RealtimeTurns


class RealtimeContract(RealtimeSessions, RealtimeTurns, RealtimeTools, RealtimeSecrets, RealtimeFailures):
    """Inherit it in a class whose name begins with `Test`, and say what is tested: see `EngineStand`."""
