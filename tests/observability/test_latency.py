from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from getpatter.observability.latency import PARTS, percentile, spread

values = st.lists(st.floats(min_value=0, max_value=1e6), min_size=1)


@given(values, st.floats(min_value=0, max_value=100))
@settings(deadline=None)
def test_percentiles_are_those_of_numpy(found: list[float], q: float) -> None:
    assert percentile(sorted(found), q) == pytest.approx(float(np.percentile(found, q)), rel=1e-9, abs=1e-6)


def test_between_two_ranks_it_interpolates() -> None:
    assert percentile([100.0, 200.0], 50) == 150.0
    assert percentile([100.0, 200.0], 95) == pytest.approx(195.0)


def test_one_value_is_every_percentile() -> None:
    assert spread([250.0]) == (250.0, 250.0)


def test_nothing_observed_has_no_percentiles() -> None:
    assert spread([]) is None


def test_the_order_of_the_turns_does_not_matter() -> None:
    assert spread([300.0, 100.0, 200.0]) == spread([100.0, 200.0, 300.0])


def test_the_parts_are_those_of_a_turn() -> None:
    assert set(PARTS) == {"endpoint_ms", "stt_ms", "llm_ttft_ms", "tts_ms", "engine_ms", "response_ms"}
