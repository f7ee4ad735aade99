"""Real LangGraph graphs, with chat models that say what they were told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import interrupt

from getpatter.errors import ConfigurationError, ProviderError
from getpatter.llm.base import LanguageModel, Message, ReplyPart, TextDelta, ToolCall, ToolSpec
from getpatter.llm.foreign import REPLY_S
from getpatter.llm.graph import LangGraphLLM
from getpatter.metering import Product, Used
from getpatter.testing.clock import ManualClock
from getpatter.tools.context import ToolContext

CALL = ToolContext("call_1", "+12025550107", "+12025550199")
PROMPT = Message("system", "Be quick.")
OPEN = Message("user", "Are you open?")
END_CALL = ToolSpec("end_call", "Hangs up.", {"type": "object", "properties": {}})
USAGE = UsageMetadata(input_tokens=20, output_tokens=5, total_tokens=25, input_token_details={"cache_read": 12})


class FakeChat(BaseChatModel):
    """Streams one prepared message after the other, word by word, with its usage in the last piece."""

    answers: list[AIMessage]
    seen: list[list[BaseMessage]]
    offered: list[Any]
    hold: Any = None
    """Waited for before the second piece."""

    @property
    def _llm_type(self) -> str:
        return "fake"

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> Any:
        return {"ls_provider": "openai", "ls_model_name": "gpt-4o-mini", "ls_model_type": "chat"}

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        self.offered.append(tools)
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        raise NotImplementedError("it streams")

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        self.seen.append(list(messages))
        answer = self.answers[min(len(self.seen), len(self.answers)) - 1]
        pieces = str(answer.content).split(" ")
        for number, piece in enumerate(pieces):
            if number == 1 and self.hold is not None:
                await self.hold.wait()
            last = number == len(pieces) - 1
            chunk = AIMessageChunk(
                content=piece if last else f"{piece} ",
                tool_calls=answer.tool_calls if last else [],
                usage_metadata=answer.usage_metadata if last else None,
            )
            yield ChatGenerationChunk(message=chunk)


def chat(*answers: str | AIMessage, hold: asyncio.Event | None = None) -> FakeChat:
    told = [answer if isinstance(answer, AIMessage) else AIMessage(answer) for answer in answers]
    return FakeChat(answers=told, seen=[], offered=[], hold=hold)


def calls(name: str, **arguments: Any) -> AIMessage:
    return AIMessage("", tool_calls=[{"id": f"call_{name}", "name": name, "args": arguments}])


def talking(model: FakeChat, *, memory: bool = False) -> Any:
    """One node that asks the model."""

    async def talk(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await model.ainvoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("talk", talk)
    graph.add_edge(START, "talk")
    return graph.compile(checkpointer=InMemorySaver() if memory else None)


def one_node(node: Callable[..., Any], *, memory: bool = False) -> Any:
    graph = StateGraph(MessagesState)
    graph.add_node("node", node)
    graph.add_edge(START, "node")
    return graph.compile(checkpointer=InMemorySaver() if memory else None)


async def parts(model: LanguageModel, *history: Message, tools: tuple[ToolSpec, ...] = ()) -> list[ReplyPart]:
    return [part async for part in model.reply(history, tools)]


async def said(model: LanguageModel, *history: Message) -> str:
    return "".join(part.text for part in await parts(model, *history) if isinstance(part, TextDelta))


def contents(messages: list[BaseMessage]) -> list[str]:
    return [str(message.content) for message in messages]


@pytest.fixture(autouse=True)
async def nothing_left() -> AsyncIterator[None]:
    yield
    assert asyncio.all_tasks() == {asyncio.current_task()}, "a task was left behind"


# -- what is said


async def test_what_a_model_cannot_have_used_is_not_counted() -> None:
    usage = UsageMetadata(input_tokens=-5, output_tokens=10**40, total_tokens=0)
    graph = StateGraph(MessagesState)
    graph.add_node("answer", lambda _: {"messages": [AIMessage("Yes.", usage_metadata=usage)]})
    graph.add_edge(START, "answer")
    model = LangGraphLLM(graph.compile())
    parts = [part async for part in model.reply([Message("user", "Are you open?")], [])]
    assert parts == [TextDelta("Yes."), Used(Product(""))]


async def test_words_come_as_the_model_writes_them_and_then_what_they_cost() -> None:
    model = chat(AIMessage("Until six today.", usage_metadata=USAGE))
    used = Used(Product("openai", "gpt-4o-mini"), input_tokens=20, output_tokens=5, cached_tokens=12)
    assert await parts(LangGraphLLM(talking(model)).for_call(CALL), PROMPT, OPEN) == [
        TextDelta("Until "),
        TextDelta("six "),
        TextDelta("today."),
        used,
    ]
    assert [type(message) for message in model.seen[0]] == [SystemMessage, HumanMessage]


async def test_outside_of_a_call_it_answers_as_well() -> None:
    model = LangGraphLLM(talking(chat("Yes."), memory=True))
    assert [await said(model, OPEN), await said(model, OPEN)] == ["Yes.", "Yes."]


async def test_the_prompt_may_stay_here() -> None:
    model = chat("Yes.")
    await said(LangGraphLLM(talking(model), prompt=False), PROMPT, OPEN)
    assert contents(model.seen[0]) == ["Are you open?"]


async def test_a_node_without_a_model_speaks_too() -> None:
    graph = one_node(lambda state: {"messages": [AIMessage("Until six.")]})
    assert await said(LangGraphLLM(graph).for_call(CALL), OPEN) == "Until six."


async def test_history_that_goes_in_is_not_said_again() -> None:
    graph = one_node(lambda state: {"messages": [*state["messages"][:-1], AIMessage("Yes.")]})
    assert await said(LangGraphLLM(graph), Message("assistant", "Hello."), OPEN) == "Yes."


def routed(router: FakeChat, speaker: FakeChat) -> Any:
    async def route(state: MessagesState) -> dict[str, Any]:
        await router.ainvoke(state["messages"])
        return {}

    async def answer(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await speaker.ainvoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("route", route)
    graph.add_node("answer", answer)
    graph.add_edge(START, "route")
    graph.add_edge("route", "answer")
    return graph.compile()


async def test_only_the_nodes_that_speak_are_heard_and_all_are_paid_for() -> None:
    graph = routed(chat(AIMessage("sales", usage_metadata=USAGE)), chat(AIMessage("Yes.", usage_metadata=USAGE)))
    text, used = await parts(LangGraphLLM(graph, output_node="answer").for_call(CALL), OPEN)
    assert text == TextDelta("Yes.")
    assert isinstance(used, Used)
    assert used.input_tokens == 40


async def test_a_node_that_holds_a_graph_speaks_with_its_words() -> None:
    graph = StateGraph(MessagesState)
    graph.add_node("agent", talking(chat("Yes.")))
    graph.add_edge(START, "agent")
    assert await said(LangGraphLLM(graph.compile(), output_node=["agent"]).for_call(CALL), OPEN) == "Yes."


# -- tools


def with_tools(model: FakeChat, *tools: Any, memory: bool = False) -> Any:
    """A model that is offered the graph's tools and those of the call, and a node for the graph's own."""
    own = {one.name for one in tools}

    async def talk(state: MessagesState, config: RunnableConfig) -> dict[str, Any]:
        bound = model.bind_tools([*tools, *config["configurable"]["call_tools"]])
        return {"messages": [await bound.ainvoke(state["messages"])]}

    def after(state: MessagesState) -> str:
        last = state["messages"][-1]
        own_calls = isinstance(last, AIMessage) and any(call["name"] in own for call in last.tool_calls)
        return "look" if own_calls else END

    graph = StateGraph(MessagesState)
    graph.add_node("talk", talk)
    graph.add_node("look", ToolNode(list(tools)))
    graph.add_edge(START, "talk")
    graph.add_conditional_edges("talk", after)
    graph.add_edge("look", "talk")
    return graph.compile(checkpointer=InMemorySaver() if memory else None)


async def test_the_graphs_tools_are_its_own_and_silent() -> None:
    inner = chat("Not for the caller.")

    @tool
    async def hours() -> str:
        """Opening hours."""
        return f"9 to 6 ({(await inner.ainvoke('?')).content})"

    model = chat(calls("hours"), "Gladly.")
    assert await parts(LangGraphLLM(with_tools(model, hours)).for_call(CALL), OPEN) == [TextDelta("Gladly.")]
    assert "9 to 6" in contents(model.seen[1])[-1]


@pytest.mark.parametrize("memory", [False, True])
async def test_the_calls_own_tools_are_run_by_the_call(memory: bool) -> None:
    model = chat(calls("end_call", reason="bye"), "Goodbye.")
    thread = LangGraphLLM(with_tools(model, memory=memory)).for_call(CALL)
    (call,) = await parts(thread, OPEN, tools=(END_CALL,))
    assert call == ToolCall("call_end_call", "end_call", '{"reason": "bye"}')
    assert model.offered[0][0]["function"]["name"] == "end_call"
    after = [OPEN, Message("assistant", "", (call,)), Message("tool", "done", tool_call_id=call.id)]
    assert await said(thread, *after) == "Goodbye."
    assert [type(message).__name__ for message in model.seen[1]] == ["HumanMessage", "AIMessage", "ToolMessage"]


# -- a graph that remembers


async def test_each_call_is_a_thread_that_is_told_what_is_new() -> None:
    model = chat("Until six.", "Yes.")
    shared = LangGraphLLM(talking(model, memory=True))
    thread = shared.for_call(CALL)
    await said(thread, PROMPT, OPEN)
    await said(thread, PROMPT, OPEN, Message("assistant", "Until six."), Message("user", "Today?"))
    assert contents(model.seen[1]) == ["Be quick.", "Are you open?", "Until six.", "Today?"]
    await said(shared.for_call(ToolContext("call_2")), PROMPT, OPEN)
    assert contents(model.seen[2]) == ["Be quick.", "Are you open?"]


async def test_it_remembers_what_was_heard_and_not_what_was_said() -> None:
    model = chat("We are open until six.", "Yes.")
    thread = LangGraphLLM(talking(model, memory=True)).for_call(CALL)
    await said(thread, OPEN)
    await said(thread, OPEN, Message("assistant", "We are—"), Message("user", "Today?"))
    assert contents(model.seen[1]) == ["Are you open?", "We are—", "Today?"]


async def test_an_answer_that_was_withdrawn_never_was() -> None:
    model = chat("Which?", "Until six.", "Until seven.")
    thread = LangGraphLLM(talking(model, memory=True)).for_call(CALL)
    await said(thread, Message("user", "Are"))
    await said(thread, OPEN)
    heard = Message("assistant", "Until six.")
    await said(thread, OPEN, heard, Message("user", "On"))
    await said(thread, OPEN, heard, Message("user", "On Monday?"))
    assert contents(model.seen[1]) == ["Are you open?"]
    assert contents(model.seen[3]) == ["Are you open?", "Until six.", "On Monday?"]


async def test_a_state_that_does_not_add_messages_is_told_all_of_them() -> None:
    class State(TypedDict):
        messages: list[BaseMessage]

    model = chat("Yes.", "No.")

    async def talk(state: State) -> dict[str, Any]:
        return {"messages": [await model.ainvoke(state["messages"])]}

    graph = StateGraph(State)
    graph.add_node("talk", talk)
    graph.add_edge(START, "talk")
    thread = LangGraphLLM(graph.compile(checkpointer=InMemorySaver())).for_call(CALL)
    await said(thread, OPEN)
    await said(thread, OPEN, Message("assistant", "Yes."), Message("user", "Today?"))
    assert contents(model.seen[1]) == ["Are you open?", "Yes.", "Today?"]


async def test_a_state_may_keep_its_messages_elsewhere() -> None:
    class State(TypedDict):
        talk: Annotated[list[BaseMessage], lambda old, new: old + new]

    graph = StateGraph(State)
    graph.add_node("node", lambda state: {"talk": [AIMessage(f"{len(state['talk'])} so far.")]})
    graph.add_edge(START, "node")
    assert await said(LangGraphLLM(graph.compile(), input_key="talk"), OPEN) == "1 so far."


async def test_the_config_may_say_which_thread_a_caller_has() -> None:
    model = chat("Yes.", "No.", "Well.")
    shared = LangGraphLLM(talking(model, memory=True), config=lambda call: {"configurable": {"thread_id": call.caller}})
    await said(shared.for_call(CALL), OPEN)
    later = shared.for_call(ToolContext("call_2", CALL.caller))
    await said(later, Message("user", "It"))
    await said(later, Message("user", "It is me again."))
    assert contents(model.seen[2]) == ["Are you open?", "Yes.", "It is me again."]


async def test_nodes_are_told_whose_call_it_is_and_no_trace_is() -> None:
    told: list[tuple[object, dict[str, Any]]] = []

    def node(state: MessagesState, config: RunnableConfig) -> dict[str, Any]:
        told.append((config["configurable"]["call"], dict(config["metadata"])))
        return {"messages": [AIMessage("Yes.")]}

    await said(LangGraphLLM(one_node(node), config={"tags": ["phone"]}).for_call(CALL), OPEN)
    ((call, metadata),) = told
    assert call is CALL
    assert CALL.caller not in repr(metadata)


# -- interrupts


def asks_for_a_name(state: MessagesState) -> dict[str, Any]:
    name = interrupt("What is your name?")
    return {"messages": [AIMessage(f"Thank you, {name}.")]}


async def test_an_interrupt_is_a_question_that_the_caller_answers() -> None:
    thread = LangGraphLLM(one_node(asks_for_a_name, memory=True)).for_call(CALL)
    assert await said(thread, OPEN) == "What is your name?"
    asked = [OPEN, Message("assistant", "What is your name?")]
    assert await said(thread, *asked, Message("user", "Ann")) == "Thank you, Ann."


async def test_an_answer_to_it_that_was_withdrawn_can_be_given_again() -> None:
    thread = LangGraphLLM(one_node(asks_for_a_name, memory=True)).for_call(CALL)
    asked = [OPEN, Message("assistant", "What is your name?")]
    await said(thread, OPEN)
    await said(thread, *asked, Message("user", "Ann"))
    assert await said(thread, *asked, Message("user", "Anna")) == "Thank you, Anna."


async def test_two_questions_at_once_have_one_answer() -> None:
    def ask(question: str) -> Any:
        return lambda state: {"messages": [AIMessage(f"{interrupt({'text': question})}!")]}

    graph = StateGraph(MessagesState)
    for name in ("first", "second"):
        graph.add_node(name, ask(f"The {name}?"))
        graph.add_edge(START, name)
    thread = LangGraphLLM(graph.compile(checkpointer=InMemorySaver())).for_call(CALL)
    question = await said(thread, OPEN)
    assert sorted(question.split("? ")) == ["The first", "The second?"]
    assert await said(thread, OPEN, Message("assistant", question), Message("user", "Yes")) == "Yes! Yes!"


async def test_an_interrupt_that_cannot_be_said_is_told() -> None:
    graph = one_node(lambda state: {"messages": [interrupt({"action": "pay"})]}, memory=True)
    with pytest.raises(ProviderError, match="dict") as failed:
        await said(LangGraphLLM(graph).for_call(CALL), OPEN)
    assert "interrupt()" in (failed.value.next_step or "")


# -- what goes wrong, and what is broken off


async def test_a_fault_in_the_graph_is_the_providers_and_keeps_its_words() -> None:
    def fails(state: MessagesState) -> dict[str, Any]:
        raise RuntimeError("the caller's card number")

    with pytest.raises(ProviderError, match=r"graph LangGraph failed: RuntimeError\.") as failed:
        await said(LangGraphLLM(one_node(fails)).for_call(CALL), OPEN)
    assert "card" not in str(failed.value)


@pytest.mark.parametrize("memory", [False, True])
async def test_closing_the_answer_cancels_the_run(memory: bool) -> None:
    model = chat("Until six.", hold=asyncio.Event())
    thread = LangGraphLLM(talking(model, memory=memory)).for_call(CALL)
    answering = thread.reply([OPEN], [])
    assert await anext(answering) == TextDelta("Until ")
    await answering.aclose()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    model.hold = None
    assert await said(thread, OPEN, Message("assistant", "Until—"), Message("user", "When?")) == "Until six."
    assert contents(model.seen[1]) == ["Are you open?", "Until—", "When?"]


async def test_a_cancelled_task_cancels_the_run() -> None:
    began = asyncio.Event()

    async def hangs(state: MessagesState) -> dict[str, Any]:
        began.set()
        await asyncio.Event().wait()
        return {}

    waiting = asyncio.ensure_future(said(LangGraphLLM(one_node(hangs)).for_call(CALL), OPEN))
    await began.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_it_is_not_waited_for_without_end() -> None:
    began, clock = asyncio.Event(), ManualClock()

    async def hangs(state: MessagesState) -> dict[str, Any]:
        began.set()
        await asyncio.Event().wait()
        return {}

    waiting = asyncio.ensure_future(said(LangGraphLLM(one_node(hangs), clock=clock).for_call(CALL), OPEN))
    await began.wait()
    clock.advance(REPLY_S)
    with pytest.raises(ProviderError, match="nothing within 30 s"):
        await waiting
    assert clock.next_timer is None


# -- what it is made of


def test_what_is_no_compiled_graph_is_refused() -> None:
    for anything in (StateGraph(MessagesState), "graph", None):
        with pytest.raises(ConfigurationError, match="no compiled graph") as refused:
            LangGraphLLM(anything)  # type: ignore[arg-type]  # as somebody may write it
        assert "compile()" in (refused.value.next_step or "")


def test_a_node_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'speak'") as refused:
        LangGraphLLM(talking(chat("Yes.")), output_node="speak")
    assert refused.value.next_step == "It has talk."


def test_it_is_called_by_its_own_name() -> None:
    assert LangGraphLLM(talking(chat("Yes."))).name == "graph LangGraph"
    assert LangGraphLLM(talking(chat("Yes.")), name="desk").name == "desk"
