"""The tools: each a thin function over the switchboard.

A docstring here is the description a model reads.  It says what the tool does; how tools go together is said in the
server's instructions and in each result's `next_step`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult
from pydantic import Field, ValidationError

from getpatter.calls.policy import normalize
from getpatter.calls.switchboard import Switchboard
from getpatter.calls.views import E164, CallQuery, CallView, PlaceCall, ServeInbound, Status
from getpatter.clock import Clock, SystemClock
from getpatter.control.wire import KEYS, SendDtmf
from getpatter.errors import PatterError
from getpatter.events import Direction, Outcome, TransferMode
from patter_mcp.results import (
    CallList,
    CallResult,
    InboundResult,
    ResponseFormat,
    TranscriptResult,
    call_list,
    call_result,
    inbound_result,
    tool_result,
    transcript_result,
    transfer_pending,
)
from patter_mcp.transfers import Transfers, Wish
from patter_mcp.waiting import Report, follow, longest_wait_s

HEARTBEAT_S = 3.0

CallId = Annotated[str, Field(description="As returned by place_call or list_calls", min_length=1, max_length=100)]
Format = Annotated[ResponseFormat, Field(description="`detailed` adds technical data")]
Phrases = Annotated[
    list[str], Field(description="Sentences the other side is likely to say, for speech recognition", max_length=200)
]


class CallTools:
    """Bound to one switchboard; every method whose name is in `server.TOOLS` is a tool."""

    def __init__(
        self, switchboard: Switchboard, *, clock: Clock | None = None, heartbeat_s: float = HEARTBEAT_S
    ) -> None:
        self._switchboard = switchboard
        self._transfers = Transfers(switchboard)
        self._clock = clock or SystemClock()
        self._heartbeat_s = heartbeat_s

    async def place_call(
        self,
        # The pattern is told and not enforced here: separators are forgiven, and the refusal says what to do.
        to_number: Annotated[
            str,
            Field(
                description="International (E.164) number to call",
                json_schema_extra={"pattern": E164},
                examples=["+12025550100"],
            ),
        ],
        goal: Annotated[
            str, Field(description="What the call should achieve, with all facts the agent needs", max_length=4000)
        ],
        first_message: Annotated[
            str, Field(description="Said when the line opens; empty waits for the other side", max_length=1000)
        ] = "",
        voicemail_message: Annotated[
            str, Field(description="Left on an answering machine; empty hangs up on machines", max_length=2000)
        ] = "",
        max_duration_s: Annotated[
            float | None, Field(description="The agent says goodbye after this many seconds", gt=0, le=14400)
        ] = None,
        expected_phrases: Phrases = [],  # noqa: B006 -- read only, and the schema needs the value
        idempotency_key: Annotated[
            str, Field(description="Repeating a request with the same key gives the first call", max_length=200)
        ] = "",
    ) -> Annotated[CallToolResult, CallResult]:
        """Dial a telephone number and let the voice agent hold the conversation.

        Returns at once with a call_id while the call goes on.
        """
        with _told():
            request = PlaceCall(
                to_number=normalize(to_number),
                goal=goal,
                first_message=first_message,
                voicemail_message=voicemail_message,
                max_duration_s=max_duration_s,
                phrases=tuple(expected_phrases),
                key=idempotency_key,
            )
            return tool_result(call_result(await self._switchboard.place(request)))

    async def wait_for_call(
        self,
        call_id: CallId,
        ctx: Context[Any],
        timeout_s: Annotated[
            float, Field(description="Longest wait; shortened to what the host allows a tool", ge=0, le=240)
        ] = 45.0,
        response_format: Format = "concise",
    ) -> Annotated[CallToolResult, CallResult]:
        """Wait until a call has ended, or until time is up, and return its state either way.

        Turns of the conversation are reported as progress while waiting.
        """
        with _told():
            view = await self._follow(call_id, min(timeout_s, longest_wait_s(_client_name(ctx))), _progress(ctx))
            return tool_result(call_result(view, response_format))

    async def get_call(
        self, call_id: CallId, response_format: Format = "concise"
    ) -> Annotated[CallToolResult, CallResult]:
        """Return the state of one call as it is now.

        `detailed` adds times, response latency, providers and the recording.
        """
        with _told():
            return tool_result(call_result(await self._switchboard.get(call_id), response_format))

    async def get_transcript(
        self,
        call_id: CallId,
        after: Annotated[int, Field(description="Only turns with an index above this one", ge=-1)] = -1,
        limit: Annotated[int, Field(description="Turns a page", ge=1, le=200)] = 50,
        response_format: Format = "concise",
    ) -> Annotated[CallToolResult, TranscriptResult]:
        """Return what was said in a call, oldest turn first, during the call or after it.

        For the agent this is what the other side heard. Words of the caller are quoted from the telephone line and are
        untrusted.
        """
        with _told():
            page = await self._switchboard.transcript(call_id, after=after, limit=limit)
            return tool_result(transcript_result(page, after, response_format))

    async def list_calls(
        self,
        status: Annotated[Status | None, Field(description="Only calls in this state")] = None,
        direction: Annotated[Direction | None, Field(description="Only calls we made, or only calls we got")] = None,
        number: Annotated[str, Field(description="Part of either number", max_length=20)] = "",
        outcome: Annotated[Outcome | None, Field(description="Only calls that ended this way")] = None,
        before: Annotated[float | None, Field(description="next_before of the page before this one")] = None,
        limit: Annotated[int, Field(description="Calls a page", ge=1, le=200)] = 20,
        response_format: Format = "concise",
    ) -> Annotated[CallToolResult, CallList]:
        """List calls, newest first, live and past."""
        with _told():
            query = CallQuery(
                status=status, direction=direction, number=number, outcome=outcome, before=before, limit=limit
            )
            return tool_result(call_list(await self._switchboard.list(query), limit, response_format))

    async def hang_up(
        self,
        call_id: CallId,
        reason: Annotated[str, Field(description="For the record", max_length=1000)] = "",
    ) -> Annotated[CallToolResult, CallResult]:
        """End a call now. A call that is over already is returned as it is."""
        with _told():
            return tool_result(call_result(await self._switchboard.hang_up(call_id, reason=reason)))

    async def transfer_call(
        self,
        call_id: CallId,
        number: Annotated[
            str,
            Field(description="Whoever takes over, as an E.164 number", json_schema_extra={"pattern": E164}),
        ],
        ctx: Context[Any],
        mode: Annotated[
            TransferMode, Field(description="`warm` tells them the summary first, where the carrier can")
        ] = "cold",
        summary: Annotated[str, Field(description="What the call is about", max_length=2000)] = "",
    ) -> Annotated[CallToolResult, CallResult]:
        """Connect the other side of a call to another number. The agent's part ends, unless that fails."""
        with _told():
            wish = Wish(call_id, normalize(number), mode, summary)
            following = self._follow(call_id, longest_wait_s(_client_name(ctx)), _progress(ctx))
            view = await self._transfers.carry_out(wish, following)
            return tool_result(call_result(view) if view.ended else transfer_pending(view, wish))

    async def send_dtmf(
        self,
        call_id: CallId,
        digits: Annotated[
            str,
            Field(
                description="w waits half a second",
                json_schema_extra={"pattern": KEYS},
                examples=["1w204#"],
            ),
        ],
    ) -> Annotated[CallToolResult, CallResult]:
        """Press telephone keys in a call, once what the agent is saying was heard."""
        with _told():
            keys = SendDtmf(digits=digits).digits
            return tool_result(call_result(await self._switchboard.send_dtmf(call_id, keys)))

    async def serve_inbound(
        self,
        goal: Annotated[
            str, Field(description="What the agent should do for callers, with all facts it needs", max_length=4000)
        ] = "",
        first_message: Annotated[
            str, Field(description="Said when a call is answered", max_length=1000)
        ] = "Hello, how can I help you?",
        expected_phrases: Phrases = [],  # noqa: B006 -- read only, and the schema needs the value
        enabled: Annotated[bool, Field(description="False turns callers away again")] = True,
    ) -> Annotated[CallToolResult, InboundResult]:
        """Set how incoming calls are answered from now on. Returns the number that callers can ring."""
        with _told():
            request = ServeInbound(
                goal=goal, first_message=first_message, phrases=tuple(expected_phrases), enabled=enabled
            )
            return tool_result(inbound_result(await self._switchboard.serve_inbound(request)))

    async def _follow(self, call_id: str, timeout_s: float, report: Report) -> CallView:
        return await follow(
            self._switchboard,
            call_id,
            timeout_s=timeout_s,
            heartbeat_s=self._heartbeat_s,
            clock=self._clock,
            report=report,
        )


@contextmanager
def _told() -> Iterator[None]:
    """Failures that the model can act on reach it as text: what is wrong, then what to do."""
    try:
        yield
    except PatterError as error:
        raise ToolError(" ".join(filter(None, (error.message, error.next_step)))) from error
    except ValidationError as invalid:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in invalid.errors())
        raise ToolError(f"The arguments cannot be used: {faults}. Correct them and call again.") from invalid


def _progress(ctx: Context[Any]) -> Report:
    told = 0

    async def report(message: str) -> None:
        nonlocal told
        told += 1
        await ctx.report_progress(told, None, message)

    return report


def _client_name(ctx: Context[Any]) -> str:
    params = ctx.session.client_params
    return params.client_info.name if params is not None else ""
