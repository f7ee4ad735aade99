"""One call of Ultravox: what we say to it, and what its messages come to.  Pure.

The server decides when the caller has finished (its state turns to `thinking`), and understands sound, so the words of
a turn may come after the answer to it was begun.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from getpatter.connections.faults import Faults
from getpatter.engines import ultravox_wire as wire
from getpatter.engines.base import InputTranscript
from getpatter.engines.dialect import READY, Ends
from getpatter.engines.managed import ManagedResponses
from getpatter.errors import ProviderError
from getpatter.llm.base import ToolCall, ToolSpec
from getpatter.metering import Product, Used

FROM_NOW_ON: Final = "[From now on these are your instructions, in place of those before:\n{}]"
INTERRUPTED: Final = "The caller interrupted, and it was not done."


class UltravoxDialect:
    """A `Dialect` of a call that was created with the agent's `tools`; `asks` is what the caller said last and was not
    answered, `greets` whether the agent was given something to say first."""

    def __init__(
        self,
        ends: Ends,
        tools: Sequence[ToolSpec],
        *,
        greets: bool,
        asks: str,
        product: Product,
        faults: Faults,
    ) -> None:
        self._ends = ends
        self._tools = {tool.name for tool in tools}
        self._product = product
        self._faults = faults
        self._responses = ManagedResponses(ends.emit)
        if greets:
            self._responses.asked()
        self._ready = False
        self._follows = False
        """What comes next follows a tool's result."""
        self._heard: list[str] = []
        """What was understood of the turn that is not taken yet."""
        self._wordless = False
        """A turn was taken of which nothing was understood yet."""
        self._partial = ""
        self._written = ""
        """The transcript of the agent's utterance so far."""
        self._notes = [asks] if asks else []

    # -- commands

    def begin(self) -> None:
        """The call was created with all that there is to say."""

    def send(self, audio: bytes) -> None:
        self._ends.send(audio)

    def commit(self) -> None:
        """The server decides what a turn is."""

    def tell(self, text: str) -> None:
        self._notes.append(text)

    def respond(self) -> None:
        if not self._notes:
            return
        notes, self._notes = "\n".join(self._notes), []
        answered = self._responses.under_way
        if not answered:
            self._ask()
        self._say({"type": "user_text_message", "text": notes, "urgency": "later" if answered else "soon"})

    def say(self, text: str) -> None:
        self._ask()
        self._say({"type": "forced_agent_message", "content": text, "urgency": "immediate"})

    def cancel(self) -> None:
        self._responses.cancel()

    def truncate(self, item_id: str, audio_end_ms: int) -> None:
        """The server goes by its own estimate."""

    def tool_result(self, call_id: str, output: str) -> None:
        self._responses.is_followed()
        self._follows = True
        self._say(
            {
                "type": "client_tool_result",
                "invocationId": call_id,
                "result": output,
                "responseType": "tool-response",
            }
        )

    def configure(self, instructions: str, tools: Sequence[ToolSpec]) -> None:
        self._tools = {tool.name for tool in tools}
        self._say({"type": "user_text_message", "text": FROM_NOW_ON.format(instructions), "urgency": "later"})

    def keep_alive(self) -> None:
        """The line's audio goes all the time."""

    def end(self) -> None:
        """Closing the socket ends the call."""

    def closed(self, code: int, reason: str) -> ProviderError | None:
        if code != 1000:
            return None
        # No agent that we create is given a tool to hang up with: it was a limit of the service.
        ended = self._faults.failed(f"has ended the call{f': {reason}' if reason else ''}", retryable=False)
        if self._ready:
            self._responses.hung_up(ended.message)
        return ended

    @property
    def usage_due(self) -> bool:
        return False  # what is paid for is the time

    def used(self, open_s: float) -> tuple[Used, ...]:
        return (Used(self._product, seconds=open_s),)

    # -- what comes

    def receive(self, message: str | bytes) -> None:
        if not self._ready:
            self._ready = True
            self._ends.emit(READY)
        if isinstance(message, bytes):
            self._follows = False
            self._responses.audio(message)
            return
        told = wire.read(message)
        match told.type:
            case "state":
                self._turn_to(told.state)
            case "transcript" if told.role == "user":
                self._understand(told)
            case "transcript":
                self._write(told)
            case "client_tool_invocation":
                self._call(told)
            case "playback_clear_buffer":
                self._written = ""
                self._responses.interrupted()

    def _turn_to(self, state: str) -> None:
        if state in ("listening", "idle"):
            self._follows, self._written = False, ""
            self._responses.end()
        elif state == "thinking" and not (self._responses.under_way or self._follows):
            words, self._heard = " ".join(self._heard), []
            self._wordless = not words
            self._responses.turn_taken(words)

    def _understand(self, told: wire.Told) -> None:
        text = told.text if told.text is not None else self._partial + (told.delta or "")
        self._partial = "" if told.final else text
        text = text.strip()
        if not told.final:
            self._ends.emit(InputTranscript(text, final=False))
        elif self._wordless:
            self._wordless = False
            self._ends.emit(InputTranscript(text, final=True))
        elif text:
            self._heard.append(text)

    def _write(self, told: wire.Told) -> None:
        """The agent's words: all so far, or what is new."""
        new = told.delta or ""
        if told.text is not None:
            new = told.text[len(self._written) :] if told.text.startswith(self._written) else ""
        self._written = "" if told.final else self._written + new
        if new:
            self._follows = False
            self._responses.text(new)

    def _call(self, told: wire.Told) -> None:
        self._follows = False
        if told.tool_name not in self._tools:
            self._refuse(told.invocation_id, "undefined", "There is no such tool.")
            return
        arguments = json.dumps(told.parameters, ensure_ascii=False)
        if not self._responses.call(ToolCall(told.invocation_id, told.tool_name, arguments)):
            self._refuse(told.invocation_id, "implementation-error", INTERRUPTED)

    # -- what goes

    def _ask(self) -> None:
        self._written = ""
        self._responses.asked()

    def _refuse(self, call_id: str, kind: str, why: str) -> None:
        self._say({"type": "client_tool_result", "invocationId": call_id, "errorType": kind, "errorMessage": why})

    def _say(self, message: dict[str, Any]) -> None:
        self._ends.send(wire.encoded(message))
