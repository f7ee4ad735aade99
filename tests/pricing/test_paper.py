"""docs/prices.md shows the list as it is."""

from __future__ import annotations

import re
from pathlib import Path

from getpatter.pricing.figures import BUILT_IN, UPDATED, VERSION
from getpatter.pricing.listing import lines
from getpatter.pricing.overrides import with_overrides

PAPER = Path(__file__).parents[2] / "docs" / "prices.md"


def shown() -> str:
    """The table; run this file to write it into the paper."""
    head = (
        f"Version {VERSION}, latest figure of {UPDATED}. US dollars.\n\n"
        "| vendor | model | price | for a | as of | source |\n"
    )
    rows = [
        f"| {line.vendor} | {line.model} | {line.text} | {line.unit} | {line.as_of} | {_linked(line.source)} |\n"
        for line in lines(BUILT_IN)
    ]
    return f"{head}|---|---|---|---|---|---|\n{''.join(rows)}"


def _linked(source: str) -> str:
    return f"[page]({source})" if source.startswith("https://") else source


def _parts() -> tuple[str, str, str]:
    match = re.fullmatch(r"(.*<!-- prices -->\n)(.*)(<!-- /prices -->\n)", PAPER.read_text("utf-8"), re.S)
    assert match is not None
    before, table, after = match.groups()
    return before, table, after


def test_the_table_is_the_list() -> None:
    assert _parts()[1] == shown(), "run `python tests/pricing/test_paper.py`"


def test_the_example_of_own_prices_can_be_read(tmp_path: Path) -> None:
    example = re.search(r"```toml\n(.*?)```", PAPER.read_text("utf-8"), re.S)
    assert example is not None
    (tmp_path / "prices.toml").write_text(example[1])
    own = with_overrides(BUILT_IN, str(tmp_path / "prices.toml"))
    assert "acme" in own.vendors


if __name__ == "__main__":
    before, _, after = _parts()
    PAPER.write_text(before + shown() + after, "utf-8")
