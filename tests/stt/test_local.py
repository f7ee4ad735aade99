from __future__ import annotations

import pytest

from getpatter.errors import ConfigurationError
from getpatter.stt import pocketsphinx
from getpatter.stt.local import local_stt


def test_pocketsphinx_serves_where_it_is_installed() -> None:
    pytest.importorskip("pocketsphinx", reason="the local extra is not installed")
    assert local_stt().name == "pocketsphinx"


def test_else_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pocketsphinx, "pocketsphinx_installed", lambda: False)
    with pytest.raises(ConfigurationError) as raised:
        local_stt()
    assert "patter-mcp[local]" in (raised.value.next_step or "")
