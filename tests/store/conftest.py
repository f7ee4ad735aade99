"""Every test of the store runs over SQLite, and over PostgreSQL where a server can be started."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from getpatter.events import CallPlaced
from getpatter.observability.bus import EventBus
from getpatter.store import Store
from getpatter.testing.clock import ManualClock

Placed = Callable[..., CallPlaced]


class Server:
    """A private PostgreSQL server, reached by a socket in its folder, that the test processes of one run share: the
    first that needs it starts it and the last that leaves it stops it."""

    def __init__(self, programs: Path, folder: Path, lock: Path, owner: pwd.struct_passwd) -> None:
        self._programs = programs
        self._lock = lock
        self._owner = owner
        self.folder = folder

    def __enter__(self) -> Server:
        with self._users() as users:
            if users.read_text() == "":
                self._start()
            users.write_text(users.read_text() + "x")
        return self

    def __exit__(self, *error: object) -> None:
        with self._users() as users:
            users.write_text(users.read_text()[1:])
            if users.read_text() == "":
                self._run("pg_ctl", "stop", "-m", "immediate", "-D", "data")
                shutil.rmtree(self.folder)

    def url(self, database: str) -> str:
        return f"postgresql+asyncpg://postgres@/{database}?host={self.folder}"

    def new_database(self) -> str:
        name = f"t{uuid.uuid4().hex}"
        self._run("createdb", "-h", str(self.folder), "-U", "postgres", name)
        return self.url(name)

    @contextmanager
    def _users(self) -> Iterator[Path]:
        with self._lock.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.folder.mkdir(mode=0o700, exist_ok=True)
            os.chown(self.folder, self._owner.pw_uid, self._owner.pw_gid)
            users = self.folder / "users"
            users.touch()
            yield users

    def _start(self) -> None:
        self._run("initdb", "-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
        self._run("pg_ctl", "start", "-D", "data", "-w", "-l", "log", "-o", f"-F -k {self.folder} -c listen_addresses=")

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        # PostgreSQL refuses to run as root.
        if os.getuid() == 0:
            become = ["setpriv", "--reuid", self._owner.pw_name, "--regid", str(self._owner.pw_gid), "--clear-groups"]
            command = [*become, *command]
        subprocess.run(command, cwd=self.folder, check=True, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="session")
def postgres(testrun_uid: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or [Path(shutil.which("initdb") or "")]
    programs = installed[-1].resolve().parent
    if not (programs / "initdb").exists() or importlib.util.find_spec("asyncpg") is None:
        pytest.skip("PostgreSQL's server programs or asyncpg are not installed")
    owner = pwd.getpwuid(os.getuid())
    if owner.pw_uid == 0:
        try:
            owner = pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
    # Not among pytest's own folders, which only the user that runs pytest may enter.
    folder = Path(tempfile.gettempdir()) / f"patter-postgres-{testrun_uid}"
    lock = tmp_path_factory.getbasetemp().parent / "postgres.lock"
    with Server(programs, folder, lock, owner) as server:
        yield server


@pytest.fixture
def postgres_url(postgres: Server) -> str:
    """A new, empty database."""
    return postgres.new_database()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'home' / 'calls.db'}"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    """A new, empty database of each kind."""
    chosen: str = request.getfixturevalue(f"{request.param}_url")
    return chosen


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = await Store.open(url)
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def bus() -> EventBus:
    return EventBus()


@pytest.fixture
def placed() -> Placed:
    """Makes the first event of a call; every field can be given."""

    def make(call_id: str = "c1", **fields: object) -> CallPlaced:
        usual: dict[str, object] = {
            "at": 100.0,
            "direction": "outbound",
            "from_number": "+12025550199",
            "to_number": "+12025550100",
            "carrier": "sim",
        }
        return CallPlaced(call_id=call_id, **(usual | fields))  # type: ignore[arg-type]  # fields by name

    return make
