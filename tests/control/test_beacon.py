from __future__ import annotations

import os
import stat
from pathlib import Path

import msgspec
import pytest

from getpatter.control.beacon import EngineBeacon, EngineInfo, engine_lock_held, read_engine
from getpatter.errors import ConfigurationError

INFO = EngineInfo(
    pid=os.getpid(),
    url="http://127.0.0.1:8000",
    carrier_url="http://127.0.0.1:8080",
    token="secret",
    version="0.1.0",
    started_at=1_700_000_000.0,
)


def test_an_announced_engine_is_found_until_it_stops(tmp_path: Path) -> None:
    with EngineBeacon(tmp_path) as beacon:
        assert read_engine(tmp_path) is None
        assert engine_lock_held(tmp_path)
        beacon.announce(INFO)
        assert read_engine(tmp_path) == INFO
    assert read_engine(tmp_path) is None
    assert not engine_lock_held(tmp_path)
    assert not (tmp_path / "engine.json").exists()


def test_looking_does_not_loosen_the_lock(tmp_path: Path) -> None:
    with EngineBeacon(tmp_path):
        assert engine_lock_held(tmp_path)
        assert engine_lock_held(tmp_path)


def test_only_the_owner_can_read_the_token(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with EngineBeacon(home) as beacon:
        beacon.announce(INFO)
        assert stat.S_IMODE((home / "engine.json").stat().st_mode) == 0o600
        assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_nothing_half_written_stays_behind(tmp_path: Path) -> None:
    with EngineBeacon(tmp_path) as beacon:
        beacon.announce(INFO)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["engine.json", "engine.lock"]


def test_a_second_engine_is_told_of_the_first(tmp_path: Path) -> None:
    with EngineBeacon(tmp_path) as beacon:
        beacon.announce(INFO)
        with (
            pytest.raises(ConfigurationError, match=f"process {INFO.pid}, {INFO.url}") as refused,
            EngineBeacon(tmp_path),
        ):
            pass
        assert "PATTER_HOME" in (refused.value.next_step or "")
        assert read_engine(tmp_path) == INFO


def test_homes_do_not_share_engines(tmp_path: Path) -> None:
    with EngineBeacon(tmp_path / "a"), EngineBeacon(tmp_path / "b"):
        assert engine_lock_held(tmp_path / "a")


def test_a_file_that_a_crash_left_behind_is_no_engine(tmp_path: Path) -> None:
    with EngineBeacon(tmp_path) as beacon:
        beacon.announce(INFO)
        left_behind = (tmp_path / "engine.json").read_bytes()
    (tmp_path / "engine.json").write_bytes(left_behind)
    assert read_engine(tmp_path) is None
    with EngineBeacon(tmp_path):
        assert read_engine(tmp_path) is None


def test_a_file_of_a_dead_process_is_no_engine(tmp_path: Path) -> None:
    with EngineBeacon(tmp_path) as beacon:
        beacon.announce(msgspec.structs.replace(INFO, pid=2**22 + 1))  # above Linux's largest pid
        assert read_engine(tmp_path) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid": "x"}'])
def test_a_damaged_file_is_no_engine(tmp_path: Path, content: bytes) -> None:
    with EngineBeacon(tmp_path):
        (tmp_path / "engine.json").write_bytes(content)
        assert read_engine(tmp_path) is None


def test_a_home_that_does_not_exist_has_no_engine(tmp_path: Path) -> None:
    assert read_engine(tmp_path / "nowhere") is None
    assert not engine_lock_held(tmp_path / "nowhere")


def test_the_beacon_must_be_held_to_announce(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="before"):
        EngineBeacon(tmp_path).announce(INFO)


def test_the_token_is_not_shown() -> None:
    assert "secret" not in repr(INFO)
