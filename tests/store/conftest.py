"""Every test of the store runs over SQLite, and over PostgreSQL where a server can be started."""

from __future__ import annotations

import glob
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from getpatter.events import CallPlaced
from getpatter.observability.bus import EventBus
from getpatter.store import Store
from getpatter.testing.clock import ManualClock

Placed = Callable[..., CallPlaced]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Path]:
    """Folder of the socket of a private server, which runs as a user without rights, for it refuses root."""
    programs = max(glob.glob("/usr/lib/postgresql/*/bin"), default=os.path.dirname(shutil.which("postgres") or ""))
    if not programs or importlib.util.find_spec("asyncpg") is None:
        pytest.skip("PostgreSQL's server programs or asyncpg are not installed")
    owner = pwd.getpwuid(os.getuid())
    if owner.pw_uid == 0:
        try:
            owner = pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("PostgreSQL does not run as root and there is no user postgres")
    folder = Path(tempfile.mkdtemp(prefix="patter-postgres-"))
    os.chown(folder, owner.pw_uid, owner.pw_gid)
    switch = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}

    def run(program: str, *arguments: str) -> None:
        command = [f"{programs}/{program}", "-D", f"{folder}/data", *arguments]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, **switch)  # type: ignore[call-overload]  # keywords in a dict

    run("initdb", "--username=postgres", "--auth=trust", "--no-sync", "--no-locale", "--encoding=UTF8")
    run("pg_ctl", "start", "-w", "-l", f"{folder}/log", "-o", f"-F -k {folder} -c listen_addresses=''")
    yield folder
    run("pg_ctl", "stop", "-m", "immediate")
    shutil.rmtree(folder)


@pytest.fixture
def postgres_url(postgres: Path) -> str:
    """A new, empty database."""
    name = f"t{uuid.uuid4().hex}"
    maker = shutil.which("createdb") or max(glob.glob("/usr/lib/postgresql/*/bin/createdb"))
    subprocess.run([maker, "-h", str(postgres), "-U", "postgres", name], check=True)
    return f"postgresql+asyncpg://postgres@/{name}?host={postgres}"


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
