"""`PATTER_HOME` on disk."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from getpatter.home import keep, make_home, secret


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_every_folder_that_is_made_is_its_owners_alone(tmp_path: Path) -> None:
    home = make_home(tmp_path / "patter" / "demo")
    assert mode(home) == 0o700
    assert mode(home.parent) == 0o700
    assert make_home(home) == home


def test_a_folder_that_was_there_stays_as_it_was(tmp_path: Path) -> None:
    before = mode(tmp_path)
    make_home(tmp_path / "patter")
    assert mode(tmp_path) == before


def test_a_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    first = secret(tmp_path, "token")
    assert len(first) == 64
    assert secret(tmp_path, "token") == first
    assert mode(tmp_path / "token") == 0o600
    assert secret(tmp_path, "other") != first


def test_processes_that_ask_at_once_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(lambda _: secret(tmp_path, "token"), range(16)))) == 1


def test_what_is_kept_replaces_what_was_there_and_leaves_nothing_else(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for content in (b"old", b"new"):
        keep(home, "some.json", content)
    assert [(path.name, path.read_bytes(), mode(path)) for path in home.iterdir()] == [("some.json", b"new", 0o600)]


def test_what_cannot_be_kept_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "some.json").mkdir()
    with pytest.raises(IsADirectoryError):
        keep(tmp_path, "some.json", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["some.json"]
