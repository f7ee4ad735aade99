from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from getpatter.events import CallPrepared, DraftEnded, FirstToken, ProviderUsed, UsedFor
from getpatter.metering import Product, Used
from getpatter.pricing.figures import BUILT_IN
from getpatter.pricing.overrides import with_overrides
from getpatter.sdk.metrics import CostBreakdown, Meter

if TYPE_CHECKING:
    from tests.sdk.conftest import Story


def test_an_answer_completes_a_turn(story: Callable[..., Story]) -> None:
    told, meter = story(), Meter()
    assert meter.apply(told.placed()) is None
    assert meter.apply(told.caller("Hello.")) is None
    assert meter.apply(told.caller("Is anybody there?")) is None
    turn = meter.apply(told.agent("Yes.", llm_ttft_ms=40.0, response_ms=700.0))
    assert turn is not None
    assert (turn.turn_index, turn.user_text, turn.agent_text) == (0, "Hello. Is anybody there?", "Yes.")
    assert (turn.latency.llm_ms, turn.latency.total_ms, turn.latency.stt_ms) == (40.0, 700.0, 0.0)
    assert turn.latency.endpoint_ms is None
    again = meter.apply(told.agent("I am here.", interrupted=True))
    assert again is not None
    assert (again.turn_index, again.user_text, again.interrupted) == (1, "", True)


def test_percentiles_are_those_of_the_record(story: Callable[..., Story]) -> None:
    told, meter = story(), Meter()
    for ms in (100.0, 200.0, 300.0):
        meter.apply(told.agent("Yes.", response_ms=ms))
    figures = meter.metrics
    assert figures.latency_p50.total_ms == 200.0
    assert figures.latency_p95.total_ms == 290.0
    assert figures.latency_avg.total_ms == 200.0
    assert figures.latency_p50.tts_ms == 0.0


def test_a_step_that_was_done_in_advance_does_not_lower_the_average(story: Callable[..., Story]) -> None:
    told, meter = story(), Meter()
    meter.apply(told.agent("Yes.", llm_ttft_ms=0.0))
    meter.apply(told.agent("No.", llm_ttft_ms=50.0))
    assert meter.metrics.latency_avg.llm_ms == 50.0


def test_providers_are_named_as_the_call_names_them(story: Callable[..., Story]) -> None:
    told, meter = story(), Meter()
    meter.apply(told.placed())
    meter.apply(CallPrepared(call_id="call_1", at=101.0, speech_to_text="an ear (phrases)"))
    meter.apply(FirstToken(call_id="call_1", at=103.0, model="large"))
    figures = meter.metrics
    assert (figures.stt_provider, figures.llm_provider, figures.tts_provider) == (
        "an ear (phrases)",
        "a model",
        "a voice",
    )
    assert (figures.llm_model, figures.telephony_provider, figures.provider_mode) == ("large", "sim", "pipeline")


def test_an_engine_is_all_three_providers(story: Callable[..., Story]) -> None:
    meter = Meter()
    meter.apply(story().placed(language_model="an engine", text_to_speech="an engine", speech_to_text="an engine"))
    assert meter.metrics.provider_mode == "realtime"


def test_a_call_lasts_from_its_answer_to_its_end(story: Callable[..., Story]) -> None:
    told, meter = story(), Meter()
    meter.apply(told.placed())
    assert meter.metrics.duration_seconds == 0.0
    meter.apply(told.answered())
    meter.apply(told.caller("Hello."))
    assert meter.metrics.duration_seconds == 1.0
    meter.apply(told.ended(error_code="carrier"))
    assert (meter.metrics.duration_seconds, meter.metrics.error_code) == (8.0, "carrier")


def test_answers_begun_early_are_counted() -> None:
    meter = Meter()
    for used in (True, False, False):
        meter.apply(DraftEnded(call_id="call_1", at=1.0, used=used))
    assert (meter.metrics.preemptive_hits, meter.metrics.preemptive_misses) == (1, 2)


def test_a_cost_that_is_not_known_is_not_nothing() -> None:
    assert CostBreakdown().total is None
    assert CostBreakdown(stt=0.25, llm=0.5).total == 0.75
    assert CostBreakdown(telephony=0.0).total == 0.0


def used(kind: UsedFor, micros: int | None, saved: int = 0) -> ProviderUsed:
    bought = Used(Product("acme"), seconds=1.0)
    return ProviderUsed(call_id="call_1", at=103.0, kind=kind, used=bought, cost_micros=micros, saved_micros=saved)


def test_a_call_costs_what_its_providers_and_its_carrier_do(story: Callable[..., Story]) -> None:
    told, meter = story(), Meter()
    meter.apply(told.placed(carrier="twilio", to_number="+12125550100"))
    for event in (used("llm", 100, 30), used("llm", 200, 20), used("stt", 1_000), used("tts", 0), used("engine", 7)):
        meter.apply(event)
    meter.apply(told.ended())
    cost = meter.metrics.cost
    assert (cost.llm, cost.stt, cost.tts, cost.engine) == (0.0003, 0.001, 0.0, 0.000007)
    assert cost.total == pytest.approx(0.015307)
    assert (cost.llm_cached_savings, cost.unknown) == (0.00005, ())


def test_a_part_without_a_price_is_named_and_not_nothing(story: Callable[..., Story]) -> None:
    told, meter = story(), Meter()
    meter.apply(told.placed(carrier="twilio", to_number="+390655501"))
    for event in (used("llm", None), used("llm", 200), used("tts", None)):
        meter.apply(event)
    cost = meter.cost
    assert (cost.llm, cost.tts, cost.total) == (0.0002, None, 0.0002)
    assert cost.unknown == ("llm", "tts", "telephony")


def test_an_operators_prices_reach_the_telephone(story: Callable[..., Story]) -> None:
    told, meter = story(), Meter(with_overrides(BUILT_IN, {"twilio": {"price": 0.5}}))
    for event in (told.placed(carrier="twilio", to_number="+390655501"), told.ended()):
        meter.apply(event)
    assert meter.cost.telephony == 0.5


def test_the_telephone_is_estimated_by_begun_minutes(story: Callable[..., Story]) -> None:
    told, meter = story(), Meter()
    assert meter.cost.telephony is None
    meter.apply(told.placed(carrier="twilio", to_number="+12125550100"))
    assert meter.cost.telephony == 0.0
    meter.apply(told.answered())
    meter.apply(told.agent("Hello."))
    assert meter.cost.telephony == 0.014
    meter.apply(told.ended(duration_s=61.0))
    assert meter.metrics.cost.telephony == meter.metrics.cost.total == 0.028


def test_what_no_list_has_a_price_of_is_not_estimated_and_what_is_simulated_is_free(
    story: Callable[..., Story],
) -> None:
    calls = ({"carrier": "twilio", "to_number": "+390655501"}, {"carrier": "nobody"}, {"carrier": "sim"})
    found = []
    for call in calls:
        told, meter = story(), Meter()
        for event in (told.placed(**call), told.answered(), told.ended()):
            meter.apply(event)
        found.append(meter.metrics.cost.telephony)
    assert found == [None, None, 0.0]
