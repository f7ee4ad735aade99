"""What a call cost, as attributes."""

from __future__ import annotations

from getpatter.events import CallPriced, ProviderUsed, UsedFor
from getpatter.metering import UNKNOWN, Product, Used
from getpatter.observability.call_cost import CallCost, Value, telephony_minutes, telephony_price

EAR, MODEL, VOICE = Product("deepgram", "nova-3"), Product("openai", "gpt"), Product("cartesia", "sonic")


def cost(*uses: tuple[UsedFor, Used, int | None]) -> dict[str, Value]:
    summed = CallCost()
    for kind, used, micros in uses:
        summed.apply(ProviderUsed(call_id="c1", at=1.0, kind=kind, used=used, cost_micros=micros))
    return summed.attributes


def test_a_call_that_used_nobody_has_no_cost() -> None:
    assert cost() == {}


def test_amounts_and_prices_are_summed_by_part() -> None:
    assert cost(
        ("llm", Used(MODEL, input_tokens=100, output_tokens=20, cached_tokens=50), 300),
        ("llm", Used(MODEL, input_tokens=150, output_tokens=10), 200),
        ("stt", Used(EAR, seconds=12.5), 1000),
        ("tts", Used(VOICE, characters=80), 2000),
    ) == {
        "patter.llm.provider": "openai",
        "patter.stt.provider": "deepgram",
        "patter.tts.provider": "cartesia",
        "patter.cost.llm_input_tokens": 250,
        "patter.cost.llm_output_tokens": 30,
        "patter.cost.llm_cached_tokens": 50,
        "patter.cost.stt_seconds": 12.5,
        "patter.cost.tts_chars": 80,
        "patter.cost.llm_usd": 0.0005,
        "patter.cost.stt_usd": 0.001,
        "patter.cost.tts_usd": 0.002,
    }


def test_an_engine_is_counted_in_minutes() -> None:
    found = cost(("engine", Used(MODEL, seconds=90.0, input_tokens=7), 4000))
    assert found["patter.cost.realtime_minutes"] == 1.5
    assert found["patter.cost.realtime_input_tokens"] == 7
    assert found["patter.cost.realtime_usd"] == 0.004


def test_an_unknown_price_is_absent_and_said_to_be_unknown() -> None:
    found = cost(("tts", Used(UNKNOWN, characters=80), None))
    assert found == {"patter.cost.tts_chars": 80, "patter.cost.unknown": ["tts"]}


def test_a_part_of_which_something_is_unknown_has_no_price() -> None:
    found = cost(("stt", Used(EAR, seconds=1.0), 1000), ("stt", Used(UNKNOWN, seconds=2.0), None))
    assert found["patter.cost.stt_seconds"] == 3.0
    assert found["patter.cost.unknown"] == ["stt"]
    assert "patter.cost.stt_usd" not in found


def test_what_is_free_costs_nothing() -> None:
    assert cost(("stt", Used(EAR, seconds=1.0), 0))["patter.cost.stt_usd"] == 0.0


def test_estimates_are_marked() -> None:
    assert cost(("llm", Used(MODEL, output_tokens=3, estimated=True), 1))["patter.cost.estimated"] == ["llm"]


def test_telephony() -> None:
    assert telephony_minutes(90.0) == {"patter.cost.telephony_minutes": 1.5}
    assert telephony_minutes(0.0) == {}
    price = CallPriced(call_id="c1", at=1.0, amount_micros=14_000, currency="EUR", source="carrier")
    assert telephony_price(price) == {
        "patter.cost.telephony": 0.014,
        "patter.cost.currency": "EUR",
        "patter.cost.source": "carrier",
    }
