"""Who the agent is at the moment: what of it changes when it hands the conversation over to another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from getpatter.agent import Agent
from getpatter.clock import Clock
from getpatter.conversation.acting import Acting
from getpatter.conversation.prompt import fill
from getpatter.conversation.wording import Wording
from getpatter.errors import ExtensionError, PatterError
from getpatter.guardrails import Guardrails
from getpatter.hooks import HookContext, HookRunner, PipelineHooks
from getpatter.tools.context import ToolContext
from getpatter.tools.run import ToolRunner
from getpatter.tools.tool import Tool
from getpatter.tools.toolbox import OnLateResult, Toolbox
from getpatter.tools.webhook import WebhookClient

TOOLS_S = 5.0
"""How long the end of a call waits for a tool: somebody paid for what it does, but nobody is on the line any more."""


@dataclass(frozen=True, slots=True)
class CallFacts:
    """The call that is talked in; numbers in E.164 form, empty where withheld."""

    call_id: str
    caller: str = ""
    callee: str = ""
    outbound: bool = False
    """We have called them."""


class Persona:
    """Replies read it at each step, so what `become` changes counts from the next one on."""

    def __init__(
        self,
        call: CallFacts,
        agent: Agent,
        acting: Acting,
        clock: Clock,
        *,
        webhooks: WebhookClient | None,
        on_problem: Callable[[PatterError], None],
        on_late_result: OnLateResult,
    ) -> None:
        """Raises `ConfigurationError` for two tools of one name."""
        self._call = call
        self._acting = acting
        self._clock = clock
        self._on_problem = on_problem
        self._on_late_result = on_late_result
        self._runner = ToolRunner(clock, webhooks)
        self._connected: list[Tool] = []
        self._toolboxes: list[Toolbox] = []
        """Of the agents so far: what one began may outlast its time."""
        self._variables = agent.variables
        self.hooks: HookRunner
        self.become(agent)

    def become(self, agent: Agent) -> None:
        """Be this agent from the next step on.

        Raises `ConfigurationError` for two tools of one name, and then nothing has changed.
        """
        call, variables = self._call, {**self._variables, **agent.variables}
        told = ToolContext(call.call_id, call.caller, call.callee, variables, self._acting)
        toolbox = self._tools_of(agent, told)
        prompt = fill(agent.system_prompt, variables)
        history = self.hooks.history if self._toolboxes else ()
        context = HookContext(self._call.call_id, self._call.caller, self._call.callee, history)
        hooks = HookRunner(agent.hooks, context, self._clock, self._failed)
        guardrails = Guardrails(agent.guardrails, self._clock, self._failed)
        wording = Wording(guardrails, hooks, agent.text_transforms, self._failed)

        self._toolboxes.append(toolbox)
        self.context = told
        """What tools and language models are told of the call."""
        self.prompt = prompt
        self.eager = agent.eager_first_flush
        """Speak the first clause before its sentence is complete."""
        self.hooks = hooks
        self.wording = wording
        self.hooked = agent.hooks != PipelineHooks()
        """There are hooks at all."""
        self.revises = agent.hooks.after_transcribe is not None
        """A hook may change what the caller is taken to have said, so it is not known before the end of their turn."""

    @property
    def toolbox(self) -> Toolbox:
        return self._toolboxes[-1]

    def connect(self, tools: Sequence[Tool]) -> None:
        """Have these tools, too, whoever the agent is."""
        self._connected += tools
        self.toolbox.add(tools)

    async def close(self) -> None:
        """Wait for the tools that change something and are under way, and then stop them."""
        await asyncio.gather(*(toolbox.close(TOOLS_S) for toolbox in self._toolboxes))

    def _tools_of(self, agent: Agent, context: ToolContext) -> Toolbox:
        tools = [*self._acting.tools(agent), *agent.tools]
        taken = {tool.name for tool in tools}
        tools += [tool for tool in self._connected if tool.name not in taken]
        return Toolbox(
            tools, runner=self._runner, context=context, clock=self._clock, on_late_result=self._on_late_result
        )

    def _failed(self, what: str, error: Exception) -> None:
        self._on_problem(ExtensionError(f"{what} failed and was left out: {type(error).__name__}."))
