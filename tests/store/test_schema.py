from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from getpatter.errors import StoreError
from getpatter.store import Store
from getpatter.store.database import Database, connect
from getpatter.store.schema import MIGRATIONS, migrate, upgrade
from getpatter.store.tables import Row


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    opened = connect(url)
    yield opened
    await opened.close()


async def tables(database: Database) -> set[str]:
    async with database.write() as connection:
        return set(await connection.run_sync(lambda bound: inspect(bound).get_table_names()))


async def test_models_and_migrations_agree(database: Database) -> None:
    await upgrade(database)

    def differences(connection: Connection) -> object:
        return compare_metadata(MigrationContext.configure(connection), Row.metadata)

    async with database.write() as connection:
        assert await connection.run_sync(differences) == []


async def test_upgrading_again_changes_nothing(database: Database) -> None:
    await upgrade(database)
    await upgrade(database)
    ours = {"call", "turn", "call_event", "tool_invocation", "recording", "security_event"}
    assert await tables(database) == ours | {"alembic_version"}


async def test_a_migration_that_fails_leaves_nothing_behind(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(text("CREATE TABLE recording (path TEXT)"))
    with pytest.raises(StoreError, match="recording"):
        await upgrade(database)
    assert await tables(database) == {"recording"}


BEFORE_0002 = """
INSERT INTO call (id, direction, from_number, to_number, carrier, agent, goal, language_model, speech_to_text,
    text_to_speech, notes, status, reason, error_code, error, created_at, updated_at, duration_s, last_seq, turns,
    interruptions, recording, answers, response_ms_p50, response_ms_p95)
VALUES ('c1', 'outbound', '', '', 'sim', '', '', '', '', '', '[]', 'ended', '', '', '', 1, 2, 1, 9, 3, 0, '', 2,
    500, 590);
INSERT INTO turn (call_id, "index", role, text, started_at, ended_at, interrupted, unheard, endpoint_ms, stt_ms,
    llm_ttft_ms, tts_ms, engine_ms, response_ms)
VALUES
    ('c1', 0, 'caller', 'Hello', 1, 2, FALSE, '', NULL, NULL, NULL, NULL, NULL, NULL),
    ('c1', 1, 'agent', 'One', 1, 2, FALSE, '', 200, 80, NULL, NULL, NULL, 400),
    ('c1', 2, 'agent', 'Two', 1, 2, FALSE, '', 200, 90, NULL, NULL, NULL, 600);
INSERT INTO call_event (call_id, seq, at, type, data) VALUES ('c1', 1, 1, 'placed', '{}');
INSERT INTO tool_invocation (call_id, seq, at, tool_call_id, name, arguments, result, error, duration_ms)
VALUES ('c1', 5, 1, 't1', 'book', '{}', '', '', 3)
"""


async def test_calls_of_the_first_version_keep_their_turns_and_figures(url: str, database: Database) -> None:
    async with database.write() as connection:
        await connection.run_sync(lambda bound: migrate(bound, "0001"))
        for statement in BEFORE_0002.split(";"):
            await connection.execute(text(statement))
    store = await Store.open(url)
    call = await store.calls.get("c1")
    turns = await store.calls.turns("c1")
    events = await store.calls.events(call_id="c1")
    await store.close()
    assert call is not None
    assert (call.tool_calls, call.response_ms_p50, len(events)) == (1, 500.0, 1)
    assert call.latency["response_ms"] == {"p50": 500.0, "p90": 580.0, "p95": 590.0, "p99": 598.0}
    assert call.latency["silence_ms"]["p50"] == 200.0, "which was called endpoint_ms"
    assert [turn.latency for turn in turns] == [
        {},
        {"silence_ms": 200.0, "stt_ms": 80.0, "response_ms": 400.0},
        {"silence_ms": 200.0, "stt_ms": 90.0, "response_ms": 600.0},
    ]


BEFORE_0006 = """
INSERT INTO call (id, direction, from_number, to_number, carrier, agent, goal, language_model, speech_to_text,
    text_to_speech, notes, status, reason, error_code, error, created_at, updated_at, duration_s, last_seq, turns,
    interruptions, tool_calls, drafts_used, drafts_wasted, first_message_wasted_s, recording, answers,
    carrier_cost_micros, carrier_cost_currency)
VALUES
    ('dollars', 'outbound', '', '', 'twilio', '', '', 'a', 'b', 'c', '[]', 'ended', '', '', '', 1, 2, 1, 9, 3, 0, 0, 0,
        0, 0, '', 0, 14000, 'USD'),
    ('euros', 'outbound', '', '', 'twilio', '', '', 'e', 'e', 'e', '[]', 'ended', '', '', '', 1, 2, 1, 9, 3, 0, 0, 0,
        0, 0, '', 0, 14000, 'EUR')
"""


async def test_what_providers_of_earlier_calls_cost_is_unknown_and_not_nothing(url: str, database: Database) -> None:
    async with database.write() as connection:
        await connection.run_sync(lambda bound: migrate(bound, "0005"))
        await connection.execute(text(BEFORE_0006))
    store = await Store.open(url)
    dollars, euros = await store.calls.get("dollars"), await store.calls.get("euros")
    await store.close()
    assert dollars is not None
    assert euros is not None
    assert (dollars.cost_micros, dollars.costs_unknown, dollars.costs_estimated) == (14_000, ["stt", "llm", "tts"], [])
    assert (euros.cost_micros, euros.costs_unknown, euros.llm_saved_micros) == (None, ["engine"], 0)


async def test_processes_that_upgrade_at_once_all_succeed(url: str) -> None:
    script = (
        "import asyncio, sys\n"
        "from getpatter.store import Store\n"
        "async def main():\n"
        "    sys.stdin.readline()\n"
        "    await (await Store.open(sys.argv[1])).close()\n"
        "asyncio.run(main())\n"
    )
    pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
    command = [sys.executable, "-c", script, url]
    processes = [await asyncio.create_subprocess_exec(*command, **pipes) for _ in range(3)]  # type: ignore[arg-type]  # keywords in a dict
    ended = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert [(process.returncode, stderr.decode()) for process, (_, stderr) in zip(processes, ended, strict=True)] == [
        (0, "")
    ] * 3


def test_every_migration_ships_with_the_package() -> None:
    assert (MIGRATIONS / "env.py").is_file()
    assert sorted(path.name for path in (MIGRATIONS / "versions").glob("0*.py"))[0] == "0001_calls.py"
