"""docs/providers.md shows the catalogue as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from getpatter.providers.catalogue import KINDS, TITLES, Adapter, adapters

PAPER = Path(__file__).parents[2] / "docs" / "providers.md"


def shown() -> str:
    """One section a kind: a row for each adapter, then what of it nobody has confirmed.  Run this file to write it."""
    return "\n".join(line for kind in KINDS for line in _section(TITLES[kind], adapters(kind))).strip() + "\n"


def _section(title: str, rows: tuple[Adapter, ...]) -> Iterator[str]:
    yield from ("", f"## {title}", "")
    yield "| name | class | by | audio | models, the default first | what it can | paid by | held to the protocol by |"
    yield "|---|---|---|---|---|---|---|---|"
    yield from (_row(adapter) for adapter in rows)
    doubts = [(adapter, doubt) for adapter in rows for doubt in adapter.facts.unconfirmed]
    if doubts:
        yield from ("", "Not confirmed by a client or by documentation:", "")
        yield from (f"- `{adapter.class_name}`: {doubt}" for adapter, doubt in doubts)


def _row(adapter: Adapter) -> str:
    facts = adapter.facts
    cells = (
        f"`{adapter.name}`",
        f"`{adapter.class_name}`" + (f"<br>`{facts.key_variable}`" if facts.key_variable else ""),
        facts.transport,
        ", ".join(facts.formats) or "text",
        ", ".join(f"`{model}`" for model in facts.models) or "-",
        ", ".join(facts.features) or "-",
        facts.billing or "nothing",
        _witness(facts.tested_with),
    )
    return f"| {' | '.join(cells)} |"


def _witness(distribution: str) -> str:
    """The client that speaks to the stand-in in the tests, and its version where it is installed."""
    if not distribution:
        return "documentation"
    try:
        return f"`{distribution}` {version(distribution)}"
    except PackageNotFoundError:
        return f"`{distribution}`"


def _parts() -> tuple[str, str, str]:
    match = re.fullmatch(r"(.*<!-- providers -->\n)(.*)(<!-- /providers -->\n)", PAPER.read_text("utf-8"), re.S)
    assert match is not None
    before, written, after = match.groups()
    return before, written, after


def _without_versions(text: str) -> str:
    """Other machines have other versions of the clients."""
    return re.sub(r"(`[\w-]+`) \d[\w.]*", r"\1", text)


def test_the_tables_are_the_catalogue() -> None:
    assert _without_versions(_parts()[1]) == _without_versions(shown()), "run `python tests/providers/test_paper.py`"


if __name__ == "__main__":
    before, _, after = _parts()
    PAPER.write_text(before + shown() + after, "utf-8")
