"""A quick tunnel is opened, kept open and ended, with a real program in place of `cloudflared`."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import pytest

from getpatter.clock import SystemClock
from getpatter.errors import ConfigurationError
from getpatter.testing.clock import ManualClock
from getpatter.tunnels.cloudflare import CloudflareTunnel

PATIENCE_S = 60.0

STAYS = "time.sleep(600)\n"
TELLS = """\
print(f"INF |  https://run-{run}.trycloudflare.com  |", file=sys.stderr, flush=True)
"""


class Cloudflared(Protocol):
    folder: Path

    @property
    def runs(self) -> list[tuple[int, str]]: ...

    def does(self, body: str) -> str: ...


@asynccontextmanager
async def opened(tunnel: CloudflareTunnel, moved: Callable[[str], None] = lambda url: None) -> AsyncIterator[str]:
    async with asyncio.timeout(PATIENCE_S):
        try:
            yield await tunnel.open(8080, moved)
        finally:
            await tunnel.close()


def lives(pid: int) -> bool:
    """Whether a process runs; one that ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def turned(clock: ManualClock, until: Callable[[], bool]) -> None:
    """Let time pass until something is so."""
    while not until():
        clock.advance(0.5)
        await asyncio.sleep(0)


async def test_its_url_is_read_from_what_the_program_says(cloudflared: Cloudflared) -> None:
    async with opened(CloudflareTunnel(cloudflared.does(TELLS + STAYS))) as url:
        assert url == "https://run-0.trycloudflare.com"
    ((_, arguments),) = cloudflared.runs
    assert arguments == "tunnel --url http://127.0.0.1:8080 --no-autoupdate"


async def test_its_url_may_stand_in_either_output(cloudflared: Cloudflared) -> None:
    program = cloudflared.does('print("https://out.trycloudflare.com", flush=True)\n' + STAYS)
    async with opened(CloudflareTunnel(program)) as url:
        assert url == "https://out.trycloudflare.com"


async def test_what_the_program_says_later_is_read_and_never_holds_it_up(cloudflared: Cloudflared) -> None:
    """A pipe holds 64 kB: a program that writes ten times that ends up waiting for ever unless somebody reads."""
    program = cloudflared.does(
        TELLS
        + 'for _ in range(400):\n    print("x" * 1000)\n    print("y" * 1000, file=sys.stderr)\n'
        + 'sys.stdout.flush(); sys.stderr.flush(); (folder / "through").touch()\n'
        + STAYS
    )
    async with opened(CloudflareTunnel(program)):
        ((pid, _),) = cloudflared.runs
        while not (cloudflared.folder / "through").exists():
            assert lives(pid)
            await asyncio.sleep(0)


async def test_it_is_ended_with_what_it_started(cloudflared: Cloudflared) -> None:
    program = cloudflared.does(
        "import subprocess\n"
        'child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])\n'
        '(folder / "grandchild").write_text(str(child.pid))\n' + TELLS + STAYS
    )
    async with opened(CloudflareTunnel(program)):
        ((pid, _),) = cloudflared.runs
        grandchild = int((cloudflared.folder / "grandchild").read_text())
        assert lives(pid)
        assert lives(grandchild)
    assert not lives(pid)
    async with asyncio.timeout(PATIENCE_S):
        await turned(ManualClock(), lambda: not lives(grandchild))


async def test_one_that_does_not_end_when_told_is_killed(cloudflared: Cloudflared) -> None:
    program = cloudflared.does("signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + TELLS + STAYS)
    async with opened(CloudflareTunnel(program)):
        ((pid, _),) = cloudflared.runs
    assert not lives(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no kernel ends it for us")
async def test_it_ends_when_we_are_killed(cloudflared: Cloudflared) -> None:
    program = cloudflared.does(TELLS + STAYS)
    code = (
        "import asyncio, os, signal\n"
        "from getpatter.tunnels import CloudflareTunnel\n"
        "async def main():\n"
        f"    await CloudflareTunnel({program!r}).open(8080, print)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stderr=subprocess.DEVNULL)
    async with asyncio.timeout(PATIENCE_S):
        await process.wait()
        ((pid, _),) = cloudflared.runs
        await turned(ManualClock(), lambda: not lives(pid))


class Moves:
    """Where the tunnel said that it is now."""

    def __init__(self) -> None:
        self.urls: asyncio.Queue[str] = asyncio.Queue()

    def __call__(self, url: str) -> None:
        self.urls.put_nowait(url)


async def test_one_that_dies_is_started_again_and_its_new_url_told(cloudflared: Cloudflared) -> None:
    moves, clock = Moves(), ManualClock()
    tunnel = CloudflareTunnel(cloudflared.does(TELLS + STAYS), ready_s=1e9, clock=clock)
    async with opened(tunnel, moves) as url:
        assert url == "https://run-0.trycloudflare.com"
        os.kill(cloudflared.runs[0][0], 9)
        await turned(clock, lambda: not moves.urls.empty())
        assert moves.urls.get_nowait() == "https://run-1.trycloudflare.com"
        os.kill(cloudflared.runs[1][0], 9)
        await turned(clock, lambda: not moves.urls.empty())
        assert moves.urls.get_nowait() == "https://run-2.trycloudflare.com"


async def test_a_restart_that_fails_is_tried_again(cloudflared: Cloudflared) -> None:
    moves, clock = Moves(), ManualClock()
    program = cloudflared.does('if run in (1, 2):\n    sys.exit("no luck")\n' + TELLS + STAYS)
    async with opened(CloudflareTunnel(program, ready_s=1e9, clock=clock), moves):
        os.kill(cloudflared.runs[0][0], 9)
        await turned(clock, lambda: not moves.urls.empty())
        assert moves.urls.get_nowait() == "https://run-3.trycloudflare.com"


async def test_a_listener_that_fails_does_not_end_the_keeping(cloudflared: Cloudflared) -> None:
    told: list[str] = []

    def moved(url: str) -> None:
        told.append(url)
        raise ValueError("not now")

    clock = ManualClock()
    async with opened(CloudflareTunnel(cloudflared.does(TELLS + STAYS), ready_s=1e9, clock=clock), moved):
        os.kill(cloudflared.runs[0][0], 9)
        await turned(clock, lambda: len(told) == 1)
        os.kill(cloudflared.runs[1][0], 9)
        await turned(clock, lambda: len(told) == 2)


async def test_closing_while_it_is_being_restarted_leaves_nothing(cloudflared: Cloudflared) -> None:
    clock = ManualClock()
    program = cloudflared.does("if run == 0:\n    " + TELLS + STAYS)
    async with opened(CloudflareTunnel(program, ready_s=1e9, clock=clock)):
        os.kill(cloudflared.runs[0][0], 9)
        await turned(clock, lambda: len(cloudflared.runs) > 1)
    assert not any(lives(pid) for pid, _ in cloudflared.runs)


async def test_a_program_that_is_missing_is_told_with_how_to_get_it() -> None:
    with pytest.raises(ConfigurationError, match="'cloudflared-that-is-nowhere' is not installed") as refused:
        await CloudflareTunnel("cloudflared-that-is-nowhere").open(8080, print)
    assert "Install cloudflared" in (refused.value.next_step or "")


async def test_a_program_that_ends_is_told_with_its_last_words(cloudflared: Cloudflared) -> None:
    program = cloudflared.does(
        "sys.exit('failed to request quick Tunnel: Post \"https://api.trycloudflare.com/tunnel\": no such host')"
    )
    with pytest.raises(ConfigurationError, match=r"ended with status 1(?s:.*)no such host"):
        await CloudflareTunnel(program).open(8080, print)


async def test_a_program_that_tells_no_url_is_given_up_and_ended(cloudflared: Cloudflared) -> None:
    clock = ManualClock()
    program = cloudflared.does('print("still trying", flush=True)\n' + STAYS)
    opening = asyncio.create_task(CloudflareTunnel(program, clock=clock).open(8080, print))
    async with asyncio.timeout(PATIENCE_S):
        await turned(ManualClock(), lambda: bool(cloudflared.runs))
        await turned(clock, opening.done)
    with pytest.raises(ConfigurationError, match="no URL within 30 s"):
        await opening
    assert not lives(cloudflared.runs[0][0])


async def test_it_can_be_closed_twice_and_unopened(cloudflared: Cloudflared) -> None:
    tunnel = CloudflareTunnel(cloudflared.does(TELLS + STAYS), clock=SystemClock())
    await tunnel.close()
    async with opened(tunnel):
        await tunnel.close()
