"""What a program is told of one call."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from getpatter.agent import Agent
from getpatter.calls.desk import Ringing
from getpatter.clock import Clock
from getpatter.errors import PatterError
from getpatter.events import (
    CallAnswered,
    CallEnded,
    CallPlaced,
    CallPriced,
    DtmfPressed,
    Event,
    MachineDetected,
    Recorded,
    ToolCalled,
    Turn,
)
from getpatter.llm.brains import language_model_of
from getpatter.llm.callable import CallableLLM
from getpatter.observability.conversation_state import ConversationState
from getpatter.pricing.figures import BUILT_IN
from getpatter.pricing.table import PriceTable
from getpatter.sdk.call_control import CallControl, Calls
from getpatter.sdk.call_result import STATUSES, CallResult
from getpatter.sdk.callback import CALLBACK_S, CallbackQueue
from getpatter.sdk.callbacks import Callbacks
from getpatter.sdk.machine_detection import MachineDetectionResult
from getpatter.sdk.metrics import MICROS, Meter
from getpatter.sdk.overrides import overridden
from getpatter.sdk.speech_events import SpeechEvents, payload
from getpatter.sdk.transcript import Line, line

log = logging.getLogger(__name__)

ON_CALL_START_S = 5.0
"""Longest that `on_call_start` may keep a caller waiting."""


class CallFeed:
    """Made before the call; then it takes the call's events, in order, and tells the callbacks."""

    def __init__(
        self, callbacks: Callbacks, speech: SpeechEvents, calls: Calls, clock: Clock, prices: PriceTable = BUILT_IN
    ) -> None:
        self._callbacks = callbacks
        self._speech = speech
        self._clock = clock
        self._queue = CallbackQueue(clock)
        self._direction = "outbound"
        self._started = False
        """The program was told of it."""
        self.begun = False
        """There is a call, and not only somebody who rings."""
        self._lines: list[Line] = []
        self._classification = ""
        self._recording = ""
        self._over: asyncio.Future[CallResult] = asyncio.get_running_loop().create_future()
        self._meter = Meter(prices)
        self.control = CallControl(calls)
        self.state = ConversationState()

    async def result(self) -> CallResult:
        """When the call is over."""
        return await asyncio.shield(self._over)

    async def told(self) -> None:
        """When the call is over and all callbacks have been called."""
        await self.result()
        await self._queue.drained()

    # -- before the call

    def agent_for(self, agent: Agent) -> Agent:
        """The agent, with the program's own mind, `on_message`, where there is one.  Raises `ConfigurationError`."""
        if self._callbacks.on_message is None:
            return agent
        mind = language_model_of(self._callbacks.on_message, name="on_message", clock=self._clock)
        return replace(agent, llm=mind.controlled_by(self.control) if isinstance(mind, CallableLLM) else mind)

    async def ring(self, ringing: Ringing, agent: Agent, provider: str) -> Agent:
        """Ask `on_call_start` who is to answer."""
        self._direction = "inbound"
        control = self.control
        control.call_id, control.telephony_provider = ringing.call_id, provider
        control.caller, control.callee = ringing.from_number, ringing.to_number
        self._started = True
        asking = self._callbacks.on_call_start
        if asking is None:
            return agent
        changes = await self._queue.ask("on_call_start", asking, self._start(), limit_s=ON_CALL_START_S)
        try:
            return overridden(agent, changes) if isinstance(changes, Mapping) else agent
        except (PatterError, TypeError, ValueError) as error:
            log.warning("call %s: what on_call_start asked for was not done: %s", ringing.call_id, error)
            return agent

    def turned_away(self) -> None:
        """It never became a call."""
        self.apply(
            CallEnded(
                call_id=self.control.call_id,
                at=self._clock.wall(),
                outcome="failed",
                ended_by="engine",
                reason="the call was turned away",
                duration_s=0.0,
            )
        )

    # -- the call

    def apply(self, event: Event) -> None:
        """Take the next event of the call in.  Returns at once."""
        self.control.apply(event)
        for moment in self.state.apply(event):
            name, callback = self._speech.callback_for(moment)
            self._queue.tell(name, callback, payload(moment))
        turn = self._meter.apply(event)
        match event:
            case CallPlaced():
                self.begun, self._direction = True, event.direction
            case CallAnswered():
                self._answered()
            case MachineDetected() if event.classification != self._classification:
                self._classification = event.classification
                found = MachineDetectionResult.of(event, self.control.telephony_provider)
                self._queue.tell("on_machine_detection", self._callbacks.on_machine_detection, found)
            case Turn() | DtmfPressed() | ToolCalled():
                self._said(event)
            case Recorded():
                self._recording = event.path
            case CallEnded():
                self._ended(event)
            case _:
                pass
        if turn is not None:
            told = {
                "call_id": event.call_id,
                "turn": turn,
                "cost_so_far": self._meter.cost,
                "llm_ttft_ms": turn.latency.llm_ttft_ms,
            }
            self._queue.tell("on_metrics", self._callbacks.on_metrics, told)

    def _answered(self) -> None:
        if not self._started:
            self._started = True
            self._queue.tell("on_call_start", self._callbacks.on_call_start, self._start())

    def _said(self, event: Turn | DtmfPressed | ToolCalled) -> None:
        said = line(event)
        self._lines.append(said)
        told: dict[str, Any] = {"call_id": event.call_id, **said, "history": list(self._lines)}
        if isinstance(event, Turn):
            told["turnIndex"] = event.index
        elif isinstance(event, ToolCalled):
            told |= {"tool_name": event.name, "tool_args": _arguments(event), "tool_result": event.result}
        self._queue.tell("on_transcript", self._callbacks.on_transcript, told)

    def _ended(self, event: CallEnded) -> None:
        metrics = self._meter.metrics
        if self._started:
            told = self._start() | {
                "ended_at": event.at,
                "outcome": event.outcome,
                "reason": event.reason,
                "transcript": list(self._lines),
                "conversation_history": list(self._lines),
                "metrics": metrics,
            }
            if self._recording:
                told["recording_path"] = self._recording
            self._queue.tell("on_call_end", self._callbacks.on_call_end, told)
        self._queue.close()
        self._over.set_result(
            CallResult(
                call_id=event.call_id,
                outcome=event.outcome,
                status=STATUSES[event.outcome],
                reason=event.reason,
                duration_seconds=event.duration_s,
                transcript=tuple(self._lines),
                metrics=metrics,
                error=event.error,
            )
        )

    # -- after the call

    @property
    def awaits_price(self) -> bool:
        """Somebody is to be told what the carrier charges."""
        return self._callbacks.on_price is not None

    async def priced(self, price: CallPriced) -> None:
        """The carrier has named its price."""
        await self.told()
        if (callback := self._callbacks.on_price) is not None:
            told = {
                "call_id": price.call_id,
                "amount": price.amount_micros / MICROS,
                "currency": price.currency,
            }
            await self._queue.ask("on_price", callback, told, limit_s=CALLBACK_S)

    # -- what callbacks are given

    def _facts(self) -> dict[str, str]:
        control = self.control
        return {"call_id": control.call_id, "caller": control.caller, "callee": control.callee}

    def _start(self) -> dict[str, Any]:
        return {
            **self._facts(),
            "direction": self._direction,
            "telephony_provider": self.control.telephony_provider,
            "custom_params": {},
        }


def _arguments(event: ToolCalled) -> Any:
    """As the tool was given them; the text that the model wrote where that is no JSON."""
    try:
        return json.loads(event.arguments or "{}")
    except ValueError:
        return event.arguments
