"""Where adapters of language models find their key, and where it may be seen."""

from __future__ import annotations

import pytest

from getpatter.clock import SystemClock
from getpatter.errors import ConfigurationError
from getpatter.testing.contracts.model_stand import MODEL, ModelStand
from getpatter.testing.contracts.replies import reply, said
from getpatter.testing.contracts.stt import KEY
from getpatter.testing.vendors.model_server import Answer


class LlmSecrets(ModelStand):
    """Found in its variable, sent in a header, shown nowhere."""

    async def test_a_missing_key_is_told_when_the_model_is_made(self, monkeypatch: pytest.MonkeyPatch) -> None:
        if not self.key_variable or self.key_where:
            pytest.skip("this vendor may have no key")
        monkeypatch.delenv(self.key_variable, raising=False)
        with pytest.raises(ConfigurationError) as missing:
            self.provider("http://127.0.0.1:1", api_key="", clock=SystemClock())
        assert self.key_variable in str(missing.value.next_step)

    async def test_the_key_is_taken_from_its_variable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        if not self.key_variable:
            pytest.skip("this vendor needs no key")
        monkeypatch.setenv(self.key_variable, KEY)
        async with self._served(Answer(text="Yes."), api_key="") as (llm, _):
            assert said(await reply(llm)) == "Yes."

    async def test_the_key_goes_in_a_header_and_is_shown_nowhere(self) -> None:
        async with self._served(Answer(text="Yes.")) as (llm, server):
            await reply(llm)
            assert KEY not in server.requests[0].path
            for shown in (llm.name, repr(llm)):
                assert KEY not in shown
                assert MODEL in shown
