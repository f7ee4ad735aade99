"""`getpatter prices`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from getpatter.cli.main import app
from getpatter.pricing.figures import BUILT_IN, UPDATED, VERSION
from getpatter.pricing.listing import lines


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of whoever runs the tests, and room for the table."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PATTER_PRICING", raising=False)
    monkeypatch.setenv("PATTER_HOME", str(tmp_path))


def shown(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["prices", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_table_says_unit_day_and_source() -> None:
    told = shown("deepgram").splitlines()
    nova = next(line for line in told if line.startswith("nova-3 ")).split()
    assert {"0.0048", "minute", "2026-05-08"} <= set(nova)
    source = next(line.source for line in lines(BUILT_IN, "nova-3") if line.model == "nova-3")
    assert f"{nova[-1]}  {source}" in told
    assert VERSION in shown("Deepgram")


def test_prices_are_found_by_the_name_of_a_model_too() -> None:
    told = shown("nova-3")
    assert "deepgram" in told
    assert "nova-2" not in told


def test_programs_get_all_of_it() -> None:
    told = json.loads(shown("--json"))
    assert (told["version"], told["updated"]) == (VERSION, UPDATED)
    assert len(told["prices"]) == len(list(lines(BUILT_IN)))
    assert {"vendor", "model", "unit", "prices", "as_of", "source"} == set(told["prices"][0])


def test_an_operators_own_prices_are_shown_as_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATTER_PRICING", '{"acme": {"unit": "minute", "price": 0.5}}')
    (line,) = json.loads(shown("acme", "--json"))["prices"]
    assert (line["prices"], line["source"]) == ({"price": "0.5"}, "operator")


@pytest.mark.parametrize(
    ("arguments", "pricing", "said"),
    [(["nobody"], "", "There are no prices of 'nobody'"), ([], "nowhere.toml", "nowhere.toml cannot be read")],
)
def test_what_cannot_be_shown_is_one_clear_error(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], pricing: str, said: str
) -> None:
    monkeypatch.setenv("PATTER_PRICING", pricing)
    result = CliRunner().invoke(app, ["prices", *arguments])
    assert result.exit_code == 1
    assert said in " ".join(result.output.split())
