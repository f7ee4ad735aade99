from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from getpatter.control.beacon import EngineBeacon, EngineInfo, engine_lock_held, read_engine
from getpatter.errors import ConfigurationError
from getpatter.testing.clock import ManualClock
from getpatter.version import __version__

INFO = EngineInfo(
    pid=os.getpid(),
    private_url="http://127.0.0.1:8000",
    carrier_url="http://127.0.0.1:8080",
    token="secret",
    version=__version__,
    started_at=1_700_000_000.0,
)


def beacon_of(home: Path) -> EngineBeacon:
    return EngineBeacon(home, ManualClock(wall=INFO.started_at))


def announce(beacon: EngineBeacon) -> None:
    beacon.announce(private_url=INFO.private_url, carrier_url=INFO.carrier_url, token=INFO.token)


def test_where_carriers_reach_an_engine_is_told_again_when_it_changes(tmp_path: Path) -> None:
    with EngineBeacon(tmp_path).held() as beacon:
        for public_url in ("", "https://one.example.org", "https://two.example.org"):
            beacon.announce(
                private_url=INFO.private_url, carrier_url=INFO.carrier_url, token=INFO.token, public_url=public_url
            )
            found = read_engine(tmp_path)
            assert found is not None
            assert found.public_url == public_url


def test_an_announced_engine_is_found_until_it_stops(tmp_path: Path) -> None:
    with beacon_of(tmp_path).held() as beacon:
        assert read_engine(tmp_path) is None
        assert engine_lock_held(tmp_path)
        announce(beacon)
        assert read_engine(tmp_path) == INFO
    assert read_engine(tmp_path) is None
    assert not engine_lock_held(tmp_path)
    assert not (tmp_path / "engine.json").exists()


def test_looking_does_not_loosen_the_lock(tmp_path: Path) -> None:
    with beacon_of(tmp_path).held():
        assert engine_lock_held(tmp_path)
        assert engine_lock_held(tmp_path)


def test_only_the_owner_can_read_the_token(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with beacon_of(home).held() as beacon:
        announce(beacon)
        assert stat.S_IMODE((home / "engine.json").stat().st_mode) == 0o600
        assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_nothing_half_written_stays_behind(tmp_path: Path) -> None:
    with beacon_of(tmp_path).held() as beacon:
        announce(beacon)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["engine.json", "engine.lock"]


def test_a_second_engine_is_told_of_the_first(tmp_path: Path) -> None:
    with beacon_of(tmp_path).held() as beacon:
        announce(beacon)
        with pytest.raises(ConfigurationError, match=f"process {INFO.pid}, {INFO.private_url}") as refused:
            beacon_of(tmp_path).held().__enter__()
        assert "PATTER_HOME" in (refused.value.next_step or "")
        assert read_engine(tmp_path) == INFO


def test_homes_do_not_share_engines(tmp_path: Path) -> None:
    with beacon_of(tmp_path / "a").held(), beacon_of(tmp_path / "b").held():
        assert engine_lock_held(tmp_path / "a")


def test_a_file_that_a_crash_left_behind_is_no_engine(tmp_path: Path) -> None:
    with beacon_of(tmp_path).held() as beacon:
        announce(beacon)
        left_behind = (tmp_path / "engine.json").read_bytes()
    (tmp_path / "engine.json").write_bytes(left_behind)
    assert read_engine(tmp_path) is None
    with beacon_of(tmp_path).held():
        assert read_engine(tmp_path) is None


def test_a_file_of_a_dead_process_is_no_engine(tmp_path: Path) -> None:
    with beacon_of(tmp_path).held() as beacon:
        announce(beacon)
        file = tmp_path / "engine.json"
        beyond_any_pid = str(2**22 + 1)
        file.write_text(file.read_text().replace(f'"pid": {INFO.pid}', f'"pid": {beyond_any_pid}'))
        assert read_engine(tmp_path) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid": "x"}'])
def test_a_damaged_file_is_no_engine(tmp_path: Path, content: bytes) -> None:
    with beacon_of(tmp_path).held():
        (tmp_path / "engine.json").write_bytes(content)
        assert read_engine(tmp_path) is None


def test_a_home_that_does_not_exist_has_no_engine(tmp_path: Path) -> None:
    assert read_engine(tmp_path / "nowhere") is None
    assert not engine_lock_held(tmp_path / "nowhere")


def test_the_token_is_not_shown() -> None:
    assert "secret" not in repr(INFO)
