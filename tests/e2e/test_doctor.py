"""What the doctor asks of a carrier listener, a running engine's answers."""

from __future__ import annotations

from pathlib import Path

from getpatter.doctor.reachability import Reachability
from getpatter.server.engine import Engine
from getpatter.settings import load


async def test_a_running_engine_proves_itself_and_refuses_what_nobody_signed(tmp_path: Path) -> None:
    settings = load(home=tmp_path, port=0, carrier_port=0, carrier="sim", llm_url="", llm_model="", drain_s=0)
    async with Engine(settings) as engine:
        way = Reachability(
            public_url=engine.carrier_url, carrier="sim", token=engine.token, leads_to="the engine's carrier listener"
        )
        findings = [*await way.round_trip(), *await way.refuses_unsigned()]
        assert [(finding.about, finding.level) for finding in findings] == [("round trip", "ok"), ("signatures", "ok")]
