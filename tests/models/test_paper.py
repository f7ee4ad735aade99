"""docs/providers.md shows which models end."""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path

from getpatter.models.retirement import Retirement
from getpatter.models.retirements import READ, RETIREMENTS

PAPER = Path(__file__).parents[2] / "docs" / "providers.md"


def shown() -> str:
    """A row for all models of a vendor that end alike; run this file to write it."""
    head = f"As of {READ}.\n\n| vendor | models | retired on | in their place | source |\n|---|---|---|---|---|\n"
    return head + "".join(
        _row(vendor, retirement, [f"`{model}`" for model, _ in alike])
        for vendor, models in RETIREMENTS.items()
        for retirement, alike in groupby(models.items(), key=lambda item: item[1])
        if retirement.on is not None
    )


def _row(vendor: str, retirement: Retirement, models: list[str]) -> str:
    successor = f"`{retirement.successor}`" if retirement.successor else "-"
    return f"| {vendor} | {', '.join(models)} | {retirement.on} | {successor} | [page]({retirement.source}) |\n"


def _parts() -> tuple[str, str, str]:
    text = PAPER.read_text("utf-8")
    match = re.fullmatch(r"(.*<!-- retirements -->\n)(.*)(<!-- /retirements -->\n.*)", text, re.S)
    assert match is not None
    before, written, after = match.groups()
    return before, written, after


def test_the_table_is_the_list() -> None:
    assert _parts()[1] == shown(), "run `python tests/models/test_paper.py`"


if __name__ == "__main__":
    before, _, after = _parts()
    PAPER.write_text(before + shown() + after, "utf-8")
