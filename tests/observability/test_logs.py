from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import asyncio, logging, sys
from getpatter.observability import logs
from getpatter.store import IncidentRow, Store
logs.set_up("debug", "%(name)s %(levelname)s %(message)s")
async def main():
    store = await Store.open(sys.argv[1])
    await store.incidents.put([IncidentRow(id="1", at=0, last_at=0, detail="+12025550142")])
    await store.close()
    logging.getLogger("getpatter").debug("as asked for")
    logging.getLogger("websockets.client").warning("worth knowing")
asyncio.run(main())
"""


def test_no_library_tells_what_is_private_at_any_level(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, f"sqlite+aiosqlite:///{tmp_path / 'calls.db'}"]
    logged = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    assert "2025550142" not in logged
    assert "getpatter DEBUG as asked for" in logged
    assert "websockets.client WARNING worth knowing" in logged
