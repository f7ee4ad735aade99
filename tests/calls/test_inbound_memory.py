from __future__ import annotations

import logging
import stat
from pathlib import Path

import pytest

from getpatter.calls.inbound_memory import FILE, InboundMemory
from getpatter.calls.views import ServeInbound

BAKERY = ServeInbound(goal="Take orders for bread.", first_message="Bakery, hello?", phrases=("two rye loaves",))


@pytest.fixture
def memory(tmp_path: Path) -> InboundMemory:
    return InboundMemory(tmp_path / "home")


def test_what_was_asked_for_comes_back(memory: InboundMemory, tmp_path: Path) -> None:
    assert memory.load() is None
    memory.save(BAKERY)
    assert InboundMemory(tmp_path / "home").load() == BAKERY


def test_only_the_owner_can_read_it(memory: InboundMemory, tmp_path: Path) -> None:
    memory.save(BAKERY)
    assert stat.S_IMODE((tmp_path / "home" / FILE).stat().st_mode) == 0o600


def test_callers_who_are_turned_away_again_leave_nothing(memory: InboundMemory, tmp_path: Path) -> None:
    memory.save(BAKERY)
    memory.save(ServeInbound(enabled=False))
    memory.save(ServeInbound(enabled=False))
    assert memory.load() is None
    assert list((tmp_path / "home").iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"goal": 3}', b"\xff"])
def test_a_file_that_is_damaged_answers_nobody(
    memory: InboundMemory, tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    memory.save(BAKERY)
    (tmp_path / "home" / FILE).write_bytes(content)
    assert memory.load() is None
    assert "turned away" in caplog.text


def test_a_home_that_cannot_be_written_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "home").write_text("no folder")
    InboundMemory(tmp_path / "home").save(BAKERY)
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert "bread" not in caplog.text
