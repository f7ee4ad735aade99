from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pytest

from getpatter.errors import ConfigurationError
from getpatter.llm.strict_schema import can_be_strict
from getpatter.tools.mcp_server import McpServer
from getpatter.tools.tool import Reassurance, Tool, tool


@tool
async def look_up_account(phone: str) -> str:
    """Look up the account for a caller.

    Args:
        phone: The caller's number.
    """
    return f"account of {phone}"


async def book(arguments: dict[str, Any], context: object) -> str:
    """Book a table."""
    return "booked"


def test_a_decorated_function_is_a_tool_of_its_name_and_docstring() -> None:
    assert look_up_account.name == "look_up_account"
    assert look_up_account.description == "Look up the account for a caller."
    assert look_up_account.spec.parameters["properties"] == {
        "phone": {"type": "string", "description": "The caller's number."}
    }


def test_a_decorator_may_have_options() -> None:
    @tool(name="weather", timeout_s=30, side_effects=False)
    async def f(city: str) -> str:
        return city

    assert (f.name, f.timeout_s, f.side_effects) == ("weather", 30, False)


def test_a_tool_may_be_made_by_keywords() -> None:
    made = tool(name="book_table", description="Book.", handler=book, parameters={"type": "object"})
    assert (made.name, made.description) == ("book_table", "Book.")
    assert tool(handler=book).name == "book"
    assert tool(handler=partial(book, context=None)).name == "book"


def test_a_tool_may_live_elsewhere() -> None:
    made = tool(name="order", webhook_url="https://example.com/order")
    assert made.binding is None
    assert made.spec.parameters["properties"] == {}


@pytest.mark.parametrize("name", ["", "no spaces", "a" * 65, "naïve", "a.b", "line\n"])
def test_names_are_those_that_all_models_accept(name: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be the name of a tool"):
        Tool(name=name, handler=book)


def test_a_tool_has_exactly_one_way_to_be_done() -> None:
    for neither_nor_both in ({}, {"handler": book, "webhook_url": "https://example.com"}):
        with pytest.raises(ConfigurationError, match="handler or a webhook_url"):
            Tool(name="x", **neither_nor_both)  # type: ignore[arg-type] # mixed values of one mapping
    with pytest.raises(ConfigurationError, match="needs a name"):
        tool(webhook_url="https://example.com")


@pytest.mark.parametrize("seconds", [0, -1, 300.1, float("nan"), float("inf")])
def test_time_limits_are_bounded(seconds: float) -> None:
    with pytest.raises(ConfigurationError, match="time limit"):
        Tool(name="x", handler=book, timeout_s=seconds)


@pytest.mark.parametrize(
    "url",
    ["ftp://example.com", "example.com", "https://", "https://user:pw@example.com", "http://0x7f.1/", "file:///x"],
)
def test_webhooks_that_cannot_be_asked_are_refused_when_the_tool_is_made(url: str) -> None:
    with pytest.raises(ConfigurationError, match="The tool 'x' cannot be used"):
        Tool(name="x", webhook_url=url)


def test_a_reassurance_may_be_a_sentence_alone() -> None:
    assert Tool(name="x", handler=book).reassures is None
    assert Tool(name="x", handler=book, reassurance="One moment.").reassures == Reassurance("One moment.", 1.5)
    later = Reassurance("One moment.", after_s=3)
    assert Tool(name="x", handler=book, reassurance=later).reassures is later
    with pytest.raises(ConfigurationError):
        Reassurance("One moment.", after_s=-1)


def test_the_documented_examples_can_be_used() -> None:
    paper = (Path(__file__).parents[2] / "docs" / "tools.md").read_text()
    made: list[object] = []
    for example in re.findall(r"^```python\n(.*?)^```$", paper, re.M | re.S):
        names: dict[str, Any] = {}
        exec(compile(example, "docs/tools.md", "exec", dont_inherit=True), names)
        made += [item for item in names.values() if isinstance(item, Tool | McpServer)]
    assert [item.name for item in made if isinstance(item, Tool)] == ["find_order", "order"]
    assert len(made) == 4


def test_a_strict_tool_asks_for_a_schema_that_models_can_be_held_to() -> None:
    async def book(guests: int, day: Literal["Monday", "Tuesday"], note: str | None = None) -> str:
        return "booked"

    assert tool(handler=book, strict=True).spec.strict
    assert can_be_strict(tool(handler=book, strict=True).spec.parameters)
    assert not tool(handler=book).spec.strict
