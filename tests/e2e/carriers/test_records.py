"""What is known of a call once it is over: our recording, the carrier's, and what it has cost."""

from __future__ import annotations

import asyncio
import wave
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from getpatter.calls.views import ServeInbound
from getpatter.events import CallPriced, CarrierRecorded

if TYPE_CHECKING:
    from tests.e2e.carriers.conftest import OpenSite
    from tests.e2e.conftest import Numbers

ASKED_AFTER_S = 20.0
"""A carrier is asked for the price of a call a quarter of a minute after its end."""


def content(path: str) -> bytes:
    return Path(path).read_bytes()


async def test_both_recordings_and_the_carriers_price_belong_to_the_call(open_site: OpenSite, numbers: Numbers) -> None:
    async with open_site(carrier_recording=True) as site:
        await site.board.serve_inbound(ServeInbound())  # some carriers tell prices to the number's webhook alone
        call_id = await site.place(numbers.brief)
        await site.ended(call_id)
        line = await site.line(numbers.brief)
        async with asyncio.timeout(60):
            await line.ended.wait()
        await site.happened(call_id, CallPriced)
        recorded = await site.happened(call_id, CarrierRecorded)
        site.clock.skip(ASKED_AFTER_S)
        await site.happened(call_id, CallPriced, lambda priced: priced.source == "carrier")
        call = await site.stored(call_id)
    [made] = line.recordings
    assert content(recorded.path) == made.wav()
    assert Path(recorded.path).parent == Path(call.view.recording).parent
    assert recorded.duration_s == pytest.approx(made.duration_s, abs=0.001)
    assert call.view.carrier_recording == recorded.path
    for path in (call.view.recording, recorded.path):
        with wave.open(path) as wav:
            assert (wav.getnchannels(), wav.getframerate()) == (2, 8000)
            assert wav.getnframes() / 8000 == pytest.approx(call.view.duration_s, abs=1.0)

    assert [priced.source for priced in call.of(CallPriced)] == ["estimate", "carrier"]
    assert call.view.carrier_cost is not None
    assert call.view.carrier_cost.source == "carrier"
    assert call.view.carrier_cost.amount > 0


async def test_a_recording_that_cannot_be_fetched_at_first_is_fetched_later(
    open_site: OpenSite, numbers: Numbers
) -> None:
    async with open_site(carrier_recording=True) as site:
        site.cloud.fail_next(503, path=".wav")
        call_id = await site.place(numbers.brief)
        await site.ended(call_id)
        await site.asked(".wav")
        site.clock.skip(ASKED_AFTER_S)
        recorded = await site.happened(call_id, CarrierRecorded)
    assert recorded.bytes == len(content(recorded.path))
