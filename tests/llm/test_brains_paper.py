"""The examples of docs/brains.md do what it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph

from getpatter.errors import ProviderError
from getpatter.llm.base import ForCall, LanguageModel, Message, ReplyPart, TextDelta, ToolCall
from getpatter.llm.brains import language_model_of
from getpatter.llm.remote import RemoteLLM
from getpatter.testing.http import served
from getpatter.tools.context import ToolContext

PAPER = (Path(__file__).parents[2] / "docs" / "brains.md").read_text("utf-8")
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def examples(kind: str) -> list[str]:
    return re.findall(rf"^<!-- {kind} -->\n```python\n(.*?)^```$", PAPER, re.M | re.S)


def made(source: str, **given: object) -> dict[str, Any]:
    names: dict[str, Any] = dict(given)
    exec(compile(source, "docs/brains.md", "exec", dont_inherit=True), names)
    return names


async def said(model: LanguageModel, text: str) -> list[ReplyPart]:
    assert isinstance(model, ForCall)
    in_call = model.for_call(ToolContext("call_1"))
    try:
        return [part async for part in in_call.reply([Message("user", text)], [])]
    finally:
        await in_call.close()


class FakeModel(GenericFakeChatModel):
    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        assert tools == []
        return self


async def test_the_function() -> None:
    model = language_model_of(made(examples("brain")[0], ToolCall=ToolCall)["brain"])
    assert await said(model, "hello") == [TextDelta("You said: hello.")]
    assert await said(model, "goodbye") == [TextDelta("Goodbye. "), ToolCall("1", "end_call", "{}")]


async def test_the_graph() -> None:
    answers: Iterator[AIMessage] = iter([AIMessage("Hello!")])
    names = {
        "MessagesState": MessagesState,
        "RunnableConfig": RunnableConfig,
        "StateGraph": StateGraph,
        "START": START,
        "InMemorySaver": InMemorySaver,
        "model": FakeModel(messages=answers),
    }
    model = language_model_of(made(examples("brain")[1], **names)["brain"])
    assert await said(model, "hello") == [TextDelta("Hello!")]


async def test_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATTER_BRAIN_SECRET", SECRET)
    (source,) = examples("server")
    async with served(made(source)["app"]) as address:
        model = RemoteLLM(f"{address}/answer")
        assert await said(model, "hello") == [TextDelta("You said: "), TextDelta("hello.")]
        with pytest.raises(ProviderError, match="HTTP 401"):
            await said(RemoteLLM(f"{address}/answer", secret="whsec_" + "A" * 32), "hello")
