"""One conversation with an agent of ElevenLabs: what we say to it, and what its messages come to.  Pure.

The agent decides when the caller has finished and tells the words with that; it says which of its audio an interruption
ended.  What it does not tell for certain is that it has said all of a response: the event for that is off by default,
and comes late.  So a response is over, too, when nothing of it came while some of the line's audio went.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from getpatter.audio.format import LINE, AudioFormat
from getpatter.audio.transcode import Transcoder
from getpatter.connections.faults import Faults
from getpatter.engines import elevenlabs_wire as wire
from getpatter.engines.base import EngineConfig, InputTranscript
from getpatter.engines.dialect import READY, Ends
from getpatter.engines.managed import ManagedResponses
from getpatter.errors import ProviderError
from getpatter.llm.base import ToolCall, ToolSpec
from getpatter.metering import Product, Used

QUIET_S: Final = 1.0
"""Behind a piece of sound that is marked as the last: a tool may still be called."""
SILENT_S: Final = 3.0
"""Behind any other: its words are known already, and would count as heard."""
SAY: Final = "[Say exactly this to the caller, and nothing else: “{}”]"
FROM_NOW_ON: Final = "From now on these are your instructions, in place of those before:\n{}"
UNKNOWN_TOOL: Final = "There is no such tool."
INTERRUPTED: Final = "The caller interrupted, and it was not done."
OVERRIDES_AT: Final = (
    "Allow the overrides in the agent's security settings at ElevenLabs, or name those that it allows as `overrides`."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """Of calls with one agent."""

    overrides: frozenset[str]
    """`prompt`, `first_message`, `language`."""
    voice: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)


class ElevenLabsDialect:
    """A `Dialect`.  `first_words` may be set until the socket is open."""

    def __init__(
        self, ends: Ends, settings: AgentSettings, config: EngineConfig, *, product: Product, faults: Faults
    ) -> None:
        self._ends = ends
        self._settings = settings
        self._config = config
        self._product = product
        self._faults = faults
        self._tools = {tool.name for tool in config.tools}
        self._responses = ManagedResponses(ends.emit)
        self._is_ready = False
        self._to_vendor = Transcoder(LINE, LINE)
        self._from_vendor = Transcoder(LINE, LINE)
        self._quiet_bytes = 0
        """Line audio that went since something of a response came."""
        self._patience_s = SILENT_S
        self._interrupted = 0
        """Audio up to this number was ended by an interruption."""
        self._written = ""
        """The response that has had words last."""
        self._notes: list[str] = []
        """What the caller told otherwise than by voice, and what we have to tell."""
        self._silent_calls: set[str] = set()
        """Calls of tools whose result is not waited for."""
        self._agent_ends = False
        """The agent has used its own tool to hang up."""
        self.first_words = ""

    # -- commands

    def begin(self) -> None:
        self._say(
            {
                "type": "conversation_initiation_client_data",
                "conversation_config_override": wire.overrides(
                    self._config,
                    self._settings.overrides,
                    voice=self._settings.voice,
                    first_message=self.first_words,
                ),
                "dynamic_variables": dict(self._settings.variables),
            }
        )

    def send(self, audio: bytes) -> None:
        sound = self._to_vendor.feed(audio)
        if sound:
            self._say({"user_audio_chunk": base64.b64encode(sound).decode()})
        self._quiet_bytes += len(audio)
        if self._quiet_bytes >= self._patience_s * LINE.bytes_per_second:
            self._responses.end()

    def commit(self) -> None:
        """The agent decides what a turn is."""

    def tell(self, text: str) -> None:
        self._notes.append(text)

    def respond(self) -> None:
        if not self._notes:
            return
        notes, self._notes = "\n".join(self._notes), []
        if self._responses.under_way:
            self._say({"type": "contextual_update", "text": notes})
        else:
            self._ask(notes)

    def say(self, text: str) -> None:
        self._ask(SAY.format(text))

    def cancel(self) -> None:
        self._responses.cancel()

    def truncate(self, item_id: str, audio_end_ms: int) -> None:
        """The agent goes by its own estimate."""

    def tool_result(self, call_id: str, output: str) -> None:
        self._responses.is_followed()
        if call_id in self._silent_calls:
            self._silent_calls.discard(call_id)
        else:
            self._result(call_id, output, is_error=False)

    def configure(self, instructions: str, tools: Sequence[ToolSpec]) -> None:
        self._tools = {tool.name for tool in tools}
        self._say({"type": "contextual_update", "text": FROM_NOW_ON.format(instructions)})

    def keep_alive(self) -> None:
        """The line's audio goes all the time."""

    def end(self) -> None:
        """Closing the socket ends the conversation."""

    def closed(self, code: int, reason: str) -> ProviderError | None:
        if code == 1000:
            why = f": {reason}" if reason and not self._agent_ends else ""
            ended = self._faults.failed(f"has ended the conversation{why}", retryable=False)
            if self._is_ready:
                self._responses.hung_up(ended.message if why else "")
            return ended
        if code == 1008:
            return self._faults.failed(
                f"refused the conversation: {reason}",
                retryable=False,
                next_step=OVERRIDES_AT if "override" in reason.lower() else None,
            )
        if code == 1002:
            return self._faults.broke_off(reason)  # the vendor's code for models that failed
        return None

    @property
    def usage_due(self) -> bool:
        return False  # what is paid for is the time

    def used(self, open_s: float) -> tuple[Used, ...]:
        return (Used(self._product, seconds=open_s),)

    # -- what comes

    def receive(self, message: str | bytes) -> None:
        told = wire.read(message)
        match told.type:
            case "audio":
                self._hear(told)
            case "agent_response":
                self._write(told.agent_response_event.agent_response.strip())
            case "agent_response_complete":
                self._responses.end()
            case "interruption":
                self._interrupted = max(self._interrupted, told.interruption_event.event_id)
                self._responses.interrupted()
            case "client_tool_call":
                self._call(told)
            case "ping":
                self._say({"type": "pong", "event_id": told.ping_event.event_id})
            case _:
                self._caller_or_session(told)

    def _caller_or_session(self, told: wire.Told) -> None:
        match told.type:
            case "user_transcript":
                self._responses.turn_taken(told.user_transcription_event.user_transcript.strip())
            case "tentative_user_transcript":
                words = told.tentative_user_transcription_event.user_transcript.strip()
                self._ends.emit(InputTranscript(words, final=False))
            case "conversation_initiation_metadata":
                self._begun(told)
            case "agent_tool_response":
                self._agent_ends |= wire.ends_call(told.agent_tool_response)
            case "error" | "client_error":
                self._complain(told)

    def _begun(self, told: wire.Told) -> None:
        formats = told.conversation_initiation_metadata_event
        takes = self._format(formats.user_input_audio_format)
        gives = self._format(formats.agent_output_audio_format)
        if takes is None or gives is None:
            return
        self._to_vendor, self._from_vendor = Transcoder(LINE, takes), Transcoder(gives, LINE)
        self._tell_history()
        if self.first_words and "first_message" in self._settings.overrides:
            self._responses.asked()
        elif self.first_words:
            self.say(self.first_words)
        self._is_ready = True
        self._ends.emit(READY)

    def _format(self, name: str) -> AudioFormat | None:
        known = wire.audio_format(name)
        if known is None:
            self._ends.emit(
                self._faults.failed(
                    f"has audio in {name}, which cannot be converted",
                    retryable=False,
                    next_step="Choose µ-law 8000 Hz for the agent's input and output at ElevenLabs.",
                )
            )
        return known

    def _tell_history(self) -> None:
        said = list(self._config.history)
        if said and said[-1].role == "user":
            self._notes.append(said.pop().content)
        if said:
            self._say({"type": "contextual_update", "text": wire.history(said)})

    def _hear(self, told: wire.Told) -> None:
        event = told.audio_event
        if 0 < event.event_id <= self._interrupted:
            return
        self._quiet_bytes, self._patience_s = 0, QUIET_S if event.is_final else SILENT_S
        self._responses.audio(self._from_vendor.feed(wire.sound(event)))

    def _write(self, text: str) -> None:
        self._quiet_bytes = 0
        goes_on = self._responses.under_way and self._written == self._responses.item_id
        self._responses.text(f" {text}" if goes_on and text else text)
        self._written = self._responses.item_id

    def _call(self, told: wire.Told) -> None:
        call = told.client_tool_call
        if call.tool_name not in self._tools:
            self._result(call.tool_call_id, UNKNOWN_TOOL, is_error=True)
            return
        self._quiet_bytes = 0
        arguments = json.dumps(call.parameters, ensure_ascii=False)
        if not self._responses.call(ToolCall(call.tool_call_id, call.tool_name, arguments)):
            self._result(call.tool_call_id, INTERRUPTED, is_error=True)
        elif not call.expects_response:
            self._silent_calls.add(call.tool_call_id)

    def _complain(self, told: wire.Told) -> None:
        error = told.error_event
        words = error.message or error.reason or error.error_type or "an error"
        next_step = OVERRIDES_AT if error.error_type == "override_error" else None
        retryable = error.code not in (1000, 1008)
        self._ends.emit(self._faults.failed(f"failed: {words}", retryable=retryable, next_step=next_step))

    # -- what goes

    def _ask(self, text: str) -> None:
        self._quiet_bytes = 0
        self._responses.asked()
        self._say({"type": "user_message", "text": text})

    def _result(self, call_id: str, output: str, *, is_error: bool) -> None:
        self._say({"type": "client_tool_result", "tool_call_id": call_id, "result": output, "is_error": is_error})

    def _say(self, message: dict[str, Any]) -> None:
        self._ends.send(wire.encoded(message))
