"""An engine in a process of its own, to be killed: places a call, and prints its id once it is talked in."""

from __future__ import annotations

import asyncio
import pickle
import sys
from pathlib import Path

from getpatter.agent import Agent
from getpatter.calls.views import CallQuery, PlaceCall
from getpatter.carriers.account import Account
from getpatter.server.engine import Engine
from getpatter.settings import Settings
from getpatter.testing.providers import AnsweringLLM, CountingTTS, TellableSTT
from getpatter.tunnels.base import Moved


class Loopback:
    async def open(self, port: int, moved: Moved) -> str:
        return f"http://127.0.0.1:{port}"

    async def close(self) -> None:
        pass


async def main(home: Path, account: Account, phone_number: str, to_number: str) -> None:
    settings = Settings(home=home, port=0, carrier_port=0, phone_number=phone_number)
    agent = Agent(system_prompt="", llm=AnsweringLLM("Yes."), stt=TellableSTT(), tts=CountingTTS())
    async with Engine(settings, agent=agent, account=account, tunnel=Loopback(), any_number=True) as engine:
        view = await engine.switchboard.place(PlaceCall(to_number=to_number, goal="Wait.", first_message="Good day."))
        while view.turns == 0:
            view = await engine.switchboard.wait(view.call_id, timeout_s=60.0, after_seq=view.last_seq)
        await engine.switchboard.list(CallQuery(limit=1))  # writes what the journal still holds
        sys.stdout.write(f"{view.call_id}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*pickle.load(sys.stdin.buffer)))
