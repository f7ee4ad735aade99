"""How many calls may live at once."""

from __future__ import annotations

import pytest

from getpatter.calls.admission import Admission
from getpatter.errors import AtCapacity, EngineUnavailable


def test_the_last_line_is_given_once() -> None:
    admission = Admission(2)
    admission.acquire()
    admission.acquire()
    with pytest.raises(AtCapacity):
        admission.acquire()
    assert admission.taken == 2


def test_a_line_that_is_given_back_is_free() -> None:
    admission = Admission(1)
    admission.acquire()
    admission.release()
    admission.acquire()


def test_an_engine_that_stops_takes_no_calls() -> None:
    admission = Admission(1)
    admission.close()
    with pytest.raises(EngineUnavailable):
        admission.acquire()
