"""The carrier's recordings of calls."""

from __future__ import annotations

import asyncio
import io
import sqlite3
import stat
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from getpatter.calls import carrier_recordings
from getpatter.calls.carrier_recordings import PAUSES_S, STALL_S, CarrierRecordings
from getpatter.calls.ledger import Ledger
from getpatter.carriers.base import RecordingReady
from getpatter.errors import CarrierError
from getpatter.events import CallDialed, CallEnded, CallPlaced, CarrierRecorded, Event
from getpatter.observability.bus import EventBus
from getpatter.store import Store
from getpatter.store.database import connect
from getpatter.testing.clock import ManualClock
from getpatter.testing.told_carrier import ToldCarrier

SECRET = "https://recordings.example/RE1?signature=secret"
READY = RecordingReady("CA1", "RE1", SECRET)
NAME = "2023-11-14-c1-carrier.wav"
REFUSED = CarrierError("The carrier answered with HTTP 404 instead of a file.")


def wav(seconds: float) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(2)
        written.setsampwidth(2)
        written.setframerate(8000)
        written.writeframes(bytes(4 * round(seconds * 8000)))
    return file.getvalue()


class Office:
    """An engine's store and bus beside a carrier that records, and one call in it."""

    def __init__(self, store: Store, home: Path) -> None:
        self.store = store
        self.home = home
        self.carrier = ToldCarrier()
        self.clock = ManualClock()
        self.bus = EventBus()
        self.journal = store.journal(self.bus)
        ledger = Ledger(store.calls, self.journal, self.bus)
        self.folder = home / "recordings"
        self.recordings = CarrierRecordings(self.carrier, ledger, self.clock, self.folder)
        self.heard: list[Event] = []
        self.bus.subscribe(self.heard.append)
        self.bus.publish(
            CallPlaced(
                call_id="c1",
                at=self.clock.wall(),
                direction="outbound",
                from_number="+12025550199",
                to_number="+12025550100",
                carrier="twilio",
            )
        )
        self.bus.publish(CallDialed(call_id="c1", at=self.clock.wall(), carrier_call_id="CA1"))

    def end_call(self) -> None:
        at = self.clock.wall()
        self.bus.publish(
            CallEnded(call_id="c1", at=at, outcome="answered", ended_by="caller", reason="", duration_s=2.0)
        )

    @property
    def told(self) -> list[CarrierRecorded]:
        return [event for event in self.heard if isinstance(event, CarrierRecorded)]

    @property
    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir()) if self.folder.exists() else []

    async def idle(self) -> None:
        """Return when nothing is being fetched."""
        await until(lambda: not self.recordings._tasks)

    async def failed(self, attempts: int) -> None:
        """Return when so many attempts have failed and the next one waits for its time."""
        await until(
            lambda: len(self.carrier.fetched) == attempts and not self.half and self.clock.next_timer is not None
        )

    async def under_way(self) -> None:
        """Return when an attempt waits for the carrier."""
        await until(lambda: bool(self.carrier.fetched) and self.half)

    @property
    def half(self) -> bool:
        """Whether something is half fetched."""
        return any(name.endswith(".part") for name in self.files)

    def read(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    def modes(self, name: str) -> tuple[int, int]:
        """Of the file and of its folder."""
        return stat.S_IMODE((self.folder / name).stat().st_mode), stat.S_IMODE(self.folder.stat().st_mode)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 -- the store answers from a thread of its own
            await asyncio.sleep(0)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    store = await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'calls.db'}?timeout=0.001")
    office = Office(store, tmp_path)
    yield office
    await office.recordings.stop()
    await office.journal.close()
    await store.close()


async def test_a_recording_is_kept_and_belongs_to_its_call(office: Office) -> None:
    sound = wav(2.0)
    office.carrier.recordings["RE1"] = [[sound[:10], sound[10:5000], sound[5000:]]]
    office.end_call()
    office.recordings.recording_ready(READY)
    await office.idle()
    [told] = office.told
    assert (told.recording_id, told.duration_s, told.bytes, told.seq) == ("RE1", 2.0, len(sound), 4)
    assert told.path == str(office.folder / NAME)
    assert office.read(NAME) == sound
    row = await office.store.calls.get("c1")
    assert row is not None
    assert row.carrier_recording == told.path


async def test_only_its_owner_can_read_it(office: Office) -> None:
    office.carrier.recordings["RE1"] = [[wav(0.1)]]
    office.end_call()
    office.recordings.recording_ready(READY)
    await office.idle()
    assert office.modes(NAME) == (0o600, 0o700)


async def test_one_that_cannot_be_had_yet_is_tried_again(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    office.carrier.recordings["RE1"] = [REFUSED, [b"<html>soon</html>"], [], [wav(1.0)]]
    office.end_call()
    office.recordings.recording_ready(READY)
    for attempt, pause_s in enumerate(PAUSES_S[:3], start=1):
        await office.failed(attempt)
        office.clock.advance(pause_s)
    await office.idle()
    assert [told.duration_s for told in office.told] == [1.0]
    assert office.files == [NAME]
    assert "secret" not in caplog.text


async def test_one_that_never_comes_is_given_up_and_leaves_nothing(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office.carrier.recordings["RE1"] = [REFUSED]
    office.end_call()
    office.recordings.recording_ready(READY)
    for attempt, pause_s in enumerate(PAUSES_S, start=1):
        await office.failed(attempt)
        office.clock.advance(pause_s)
    await office.idle()
    assert (len(office.carrier.fetched), office.told, office.files) == (len(PAUSES_S) + 1, [], [])
    assert "is not kept: The carrier answered with HTTP 404" in caplog.text


async def test_one_that_stalls_is_begun_anew(office: Office) -> None:
    office.carrier.recordings["RE1"] = [None, [wav(1.0)]]
    office.end_call()
    office.recordings.recording_ready(READY)
    await office.under_way()
    office.clock.advance(STALL_S)
    await office.failed(1)
    office.clock.advance(PAUSES_S[0])
    await office.idle()
    assert len(office.told) == 1


async def test_one_without_an_end_is_not_kept(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrier_recordings, "MAX_BYTES", 100_000)
    office.carrier.recordings["RE1"] = [[wav(1.0)] * 4]
    office.end_call()
    office.recordings.recording_ready(READY)
    await office.failed(1)
    assert (office.told, office.files) == ([], [])


async def test_one_that_is_told_of_twice_is_fetched_once(office: Office) -> None:
    office.carrier.recordings["RE1"] = [[wav(1.0)]]
    office.end_call()
    office.recordings.recording_ready(READY)
    office.recordings.recording_ready(READY)
    await office.idle()
    office.recordings.recording_ready(READY)
    await office.idle()
    assert (office.carrier.fetched, len(office.told)) == (["RE1"], 1)


async def test_a_second_recording_does_not_replace_the_first(office: Office) -> None:
    office.carrier.recordings = {"RE1": [[wav(1.0)]], "RE2": [[wav(2.0)]]}
    office.end_call()
    office.recordings.recording_ready(READY)
    await office.idle()
    office.recordings.recording_ready(RecordingReady("CA1", "RE2", SECRET))
    await office.idle()
    assert office.files == ["2023-11-14-c1-carrier-2.wav", NAME]
    assert [kept.duration_s for kept in await office.store.calls.recordings("c1")] == [1.0, 2.0]


async def test_one_that_is_there_before_the_end_waits_for_it(office: Office) -> None:
    office.carrier.recordings["RE1"] = [[wav(1.0)]]
    office.recordings.recording_ready(READY)
    await until(lambda: office.files == [NAME] and office.clock.next_timer == 5.0)
    assert not office.told
    office.end_call()
    office.clock.advance(5.0)
    await office.idle()
    assert [told.seq for told in office.told] == [4]


async def test_a_store_that_is_away_is_waited_for(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    office.carrier.recordings["RE1"] = [[wav(1.0)]]
    office.end_call()
    await office.journal.flush()
    with closing(sqlite3.connect(office.home / "calls.db", isolation_level=None)) as somebody:
        somebody.execute("BEGIN IMMEDIATE")
        office.recordings.recording_ready(READY)
        await until(lambda: "waits for the store" in caplog.text)
    office.clock.advance(5.0)
    await office.idle()
    assert len(office.told) == 1


async def test_a_call_that_was_deleted_meanwhile_keeps_no_recording(office: Office) -> None:
    office.carrier.recordings["RE1"] = [REFUSED, [wav(1.0)]]
    office.end_call()
    office.recordings.recording_ready(READY)
    await office.failed(1)
    database = connect(f"sqlite+aiosqlite:///{office.home / 'calls.db'}")
    async with database.write() as connection:
        await connection.execute(text("UPDATE call SET deleted_at = 1"))
    await database.close()
    office.clock.advance(PAUSES_S[0])
    await office.idle()
    assert (len(office.carrier.fetched), office.told, office.files) == (2, [], [])


async def test_a_recording_of_nobodys_call_is_not_fetched(office: Office) -> None:
    office.recordings.recording_ready(RecordingReady("CA2", "RE1", SECRET))
    await office.idle()
    assert not office.carrier.fetched


async def test_what_a_killed_engine_had_begun_to_fetch_is_removed(office: Office) -> None:
    office.folder.mkdir()
    (office.folder / "c0-carrier-0a1b2c3d.part").touch()
    (office.folder / "2023-11-14-c0.wav").touch()
    office.recordings.start()
    assert office.files == ["2023-11-14-c0.wav"]


async def test_a_stop_leaves_nothing_half_fetched(office: Office) -> None:
    office.carrier.recordings["RE1"] = [None]
    office.end_call()
    office.recordings.recording_ready(READY)
    await office.under_way()
    await office.recordings.stop()
    assert not office.files
