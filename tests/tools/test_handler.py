from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import pytest
from anyio import CapacityLimiter

from getpatter.errors import ConfigurationError
from getpatter.tools.context import Progress, ToolContext, progress_text
from getpatter.tools.handler import Binding, ToolHandler

CONTEXT = ToolContext("c1", "+12025550100", "+12025550101", {"plan": "gold"})


async def results(handler: ToolHandler, **arguments: Any) -> list[object]:
    binding = Binding(handler, {"type": "object"} if "schema" in handler.__name__ else None, strict=False)
    return [item async for item in binding.items(arguments, CONTEXT, CapacityLimiter(1))]


async def add(a: int, b: int = 2) -> int:
    return a + b


async def with_context(a: int, call: ToolContext) -> str:
    return f"{a} {call.caller} {call.variables['plan']}"


async def mapping_schema(arguments: dict[str, Any], context: Any) -> object:
    return arguments, context


async def mapping_alone(arguments: dict[str, Any]) -> object:
    return arguments


async def streaming(a: int) -> AsyncGenerator[object]:
    yield Progress("Still looking.")
    yield {"progress": "Almost there."}
    yield {"found": a}


class Shop:
    """Sells things."""

    async def buy(self, thing: str) -> str:
        return f"bought {thing}"

    async def __call__(self, thing: str) -> str:
        return f"called for {thing}"


async def test_arguments_go_by_name_and_defaults_hold() -> None:
    assert await results(add, a=1) == [3]
    assert await results(add, a=1, b=1) == [2]


async def test_a_handler_that_asks_for_the_context_is_given_it_and_the_model_never_sees_it() -> None:
    assert await results(with_context, a=1) == ["1 +12025550100 gold"]
    assert list(Binding(with_context, None, strict=False).arguments.schema["properties"]) == ["a"]


async def test_a_handler_may_take_all_arguments_as_one_mapping() -> None:
    assert await results(mapping_schema, a=1) == [({"a": 1}, CONTEXT)]
    assert await results(mapping_alone) == [{}]


async def test_a_parameter_that_only_is_called_arguments_is_one_like_any_other() -> None:
    async def f(arguments: str, count: int = 1) -> str:
        return arguments * count

    assert await results(f, arguments="ab", count=2) == ["abab"]


async def test_a_method_and_a_callable_object_are_handlers() -> None:
    assert await results(Shop().buy, thing="tea") == ["bought tea"]
    binding = Binding(Shop(), None, strict=False)
    assert [item async for item in binding.items({"thing": "tea"}, CONTEXT, CapacityLimiter(1))] == ["called for tea"]


async def test_a_plain_function_runs_in_a_thread() -> None:
    def where() -> threading.Thread:
        return threading.current_thread()

    assert await results(where) != [threading.current_thread()]


async def test_a_plain_function_may_give_something_to_wait_for() -> None:
    def deferred(a: int) -> Any:
        return add(a)

    assert await results(deferred, a=5) == [7]


async def test_what_waits_for_a_thread_can_be_stopped_although_the_thread_cannot() -> None:
    began, release = threading.Event(), threading.Event()

    def slow() -> None:
        began.set()
        release.wait()

    waiting = asyncio.create_task(results(slow))
    async with asyncio.timeout(60):
        await asyncio.to_thread(began.wait)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    release.set()


async def test_an_async_generator_says_things_on_the_way() -> None:
    items = await results(streaming, a=3)
    assert [progress_text(item) for item in items] == ["Still looking.", "Almost there.", None]
    assert items[-1] == {"found": 3}


@pytest.mark.parametrize("item", [{"progress": 3}, {"progress": "x", "found": 1}, "progress", None, {}])
def test_other_items_are_results(item: object) -> None:
    assert progress_text(item) is None


def variadic(*args: int) -> None: ...


def keywords(**more: int) -> None: ...


def positional(a: int, /) -> None: ...


def unreadable(a: NoSuchType) -> None: ...  # type: ignore[name-defined] # noqa: F821 -- that is the point


def generator(a: int) -> Iterator[int]:
    yield a


@pytest.mark.parametrize("handler", [variadic, keywords, positional, unreadable, generator])
def test_a_handler_that_cannot_be_called_is_refused_when_its_tool_is_made(handler: ToolHandler) -> None:
    with pytest.raises(ConfigurationError):
        Binding(handler, None, strict=False)


def test_a_schema_given_with_the_tool_is_what_the_model_is_told() -> None:
    given = {"type": "object", "properties": {"a": {"type": "integer", "description": "The first."}}}
    assert Binding(add, given, strict=False).arguments.schema is given
