from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from getpatter.events import TurnLatency
from getpatter.observability.latency import Spread, observed, percentile, spread, spreads

values = st.lists(st.floats(min_value=0, max_value=1e6), min_size=1)


@given(values, st.floats(min_value=0, max_value=100))
@settings(deadline=None)
def test_percentiles_are_those_of_numpy(found: list[float], q: float) -> None:
    assert percentile(sorted(found), q) == pytest.approx(float(np.percentile(found, q)), rel=1e-9, abs=1e-6)


def test_between_two_ranks_it_interpolates() -> None:
    assert percentile([100.0, 200.0], 50) == 150.0
    assert percentile([100.0, 200.0], 95) == pytest.approx(195.0)


def test_one_value_is_every_percentile() -> None:
    assert spread([250.0]) == Spread(250.0, 250.0, 250.0, 250.0)


def test_nothing_observed_has_no_percentiles() -> None:
    assert spread([]) is None


def test_the_order_of_the_turns_does_not_matter() -> None:
    assert spread([300.0, 100.0, 200.0]) == spread([100.0, 200.0, 300.0])


def test_a_part_that_was_not_observed_is_not_a_zero() -> None:
    assert observed(TurnLatency(stt_ms=80.0)) == {"stt_ms": 80.0}


def test_each_part_has_its_own_percentiles() -> None:
    answers = [TurnLatency(response_ms=400.0, stt_ms=80.0), TurnLatency(response_ms=600.0)]
    found = spreads(answers)
    assert set(found) == {"response_ms", "stt_ms"}
    assert found["response_ms"] == pytest.approx((500.0, 580.0, 590.0, 598.0))


def test_a_step_that_was_done_in_advance_does_not_count_as_a_quick_one() -> None:
    answers = [TurnLatency(llm_ttft_ms=0.0), TurnLatency(llm_ttft_ms=0.0), TurnLatency(llm_ttft_ms=300.0)]
    assert spreads(answers)["llm_ttft_ms"].p50 == 300.0
    assert spreads(answers[:2]) == {}
