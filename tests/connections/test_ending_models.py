from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from getpatter.connections.ending_models import end_of, warn_of_end
from getpatter.connections.faults import Faults
from getpatter.connections.vendor import Vendor
from getpatter.metering import Product

GONE = Product("groq", "llama-3.3-70b-versatile")
GROQ = Vendor("Groq", "GROQ_API_KEY")


@pytest.fixture(autouse=True)
def untold() -> Iterator[None]:
    warn_of_end.cache_clear()
    yield
    warn_of_end.cache_clear()


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    return [(record.levelno, record.getMessage()) for record in caplog.records]


def test_what_its_vendor_retired_is_told_once_with_what_takes_its_place(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        Faults("llama-3.3-70b-versatile at api.groq.com", GROQ, model=GONE.model)
    words = "llama-3.3-70b-versatile was retired on 2026-08-16 by groq: use openai/gpt-oss-120b"
    assert told(caplog) == [(logging.WARNING, words)]


def test_each_model_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    Faults("a", GROQ, model=GONE.model)
    Faults("b", GROQ, model="llama-3.1-8b-instant")
    assert len(told(caplog)) == 2


@pytest.mark.parametrize(
    ("vendor", "model"),
    [("groq", "openai/gpt-oss-120b"), ("groq", ""), ("acme", GONE.model), ("google", "gemini-3.8-live")],
)
def test_of_a_model_that_lives_or_is_not_known_nothing_is_said(
    vendor: str, model: str, caplog: pytest.LogCaptureFixture
) -> None:
    Faults("x", Vendor("X", "X_API_KEY", id=vendor), model=model)
    assert told(caplog) == []
    assert end_of(Product(vendor, model)) is None
