"""Where adapters of speech-to-speech engines find their key, and where it may be seen."""

from __future__ import annotations

import logging

import pytest

from getpatter.clock import SystemClock
from getpatter.errors import ConfigurationError
from getpatter.testing.contracts.engine_stand import EngineStand
from getpatter.testing.contracts.responses import ask, spoken, text_of
from getpatter.testing.contracts.stt import KEY


class RealtimeSecrets(EngineStand):
    """Found in its variable, shown nowhere."""

    async def test_a_missing_key_is_told_when_the_engine_is_made(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv(self.key_variable, raising=False)
        with pytest.raises(ConfigurationError) as missing:
            self.engine("ws://127.0.0.1:1", api_key="", clock=SystemClock())
        assert self.key_variable in str(missing.value.next_step)

    async def test_the_key_is_taken_from_its_variable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(self.key_variable, KEY)
        async with self._call(api_key="") as (engine, session, _):
            await ask(engine, session)
            assert text_of(await spoken(session))

    async def test_the_key_is_shown_nowhere(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        caplog.set_level(logging.INFO, "websockets.server")  # the other side's
        async with self._call() as (engine, session, _):
            await ask(engine, session)
            await spoken(session)
            assert KEY not in engine.name + repr(engine) + repr(session)
        assert KEY not in caplog.text
