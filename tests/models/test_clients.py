"""The official clients tell of the same ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import get_args

import pytest

from getpatter.metering import Product
from getpatter.models.retirement import fate
from getpatter.models.retirements import READ, RETIREMENTS

openai = pytest.importorskip("openai", reason="the official client is not installed")
speech = pytest.importorskip("openai.types.audio", reason="the official client is not installed")
claude = pytest.importorskip("anthropic.resources.messages.messages", reason="the official client is not installed")

TODAY = date.fromisoformat(READ)
KINDS = (openai.types.ChatModel, openai.types.AudioModel, speech.SpeechModel)
_SHUT_DOWN = re.compile(r'-((?:\s+"[\w.-]+",?)+):\s+Announced\s+shutdown\s+date:\s+(\d{4}-\d\d-\d\d)')


def shut_down() -> dict[str, date]:
    """By model, as the comments of the client's types tell."""
    types = Path(openai.__file__).parent / "types"
    return {
        model: date.fromisoformat(match[2])
        for path in types.rglob("*.py")
        for match in _SHUT_DOWN.finditer(path.read_text("utf-8"))
        for model in re.findall(r'"([\w.-]+)"', match[1])
    }


def deprecated() -> Iterator[tuple[str, date]]:
    for model, day in claude.DEPRECATED_MODELS.items():
        yield model, datetime.strptime(re.sub(r"(\d)(st|nd|rd|th)", r"\1", day), "%B %d, %Y").date()


def ending(vendor: str, model: str) -> date | None:
    found = fate(Product(vendor, model), TODAY, RETIREMENTS)
    return None if found is None else found.on


@pytest.mark.parametrize(("model", "day"), sorted(shut_down().items()))
def test_openais_client_tells_the_same_days(model: str, day: date) -> None:
    assert ending("openai", model) in (day, None)


@pytest.mark.parametrize("model", sorted({name for kind in KINDS for name in get_args(kind)}))
def test_nothing_ends_that_openais_client_lets_live(model: str) -> None:
    assert ending("openai", model) in (None, shut_down().get(model))


@pytest.mark.parametrize(("model", "day"), sorted(deprecated()))
def test_anthropics_client_tells_the_same_days(model: str, day: date) -> None:
    assert ending("anthropic", model) in (day, None)
