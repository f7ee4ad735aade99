"""One session of OpenAI's realtime API: what we say to it, and what its events come to.  Pure."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from getpatter.clock import Clock
from getpatter.connections.faults import Faults
from getpatter.engines import openai_wire as wire
from getpatter.engines.base import AudioDelta, EngineConfig, ResponseDone
from getpatter.engines.dialect import READY, Ends
from getpatter.engines.openai_caller import Caller
from getpatter.engines.openai_wire import SessionSettings
from getpatter.errors import ProviderError
from getpatter.llm.base import TextDelta, ToolCall, ToolSpec
from getpatter.metering import Product, Used, totals
from getpatter.stt import openai_wire as heard

log = logging.getLogger(__name__)

OTHER_FORMAT = "Pass format=PCM16 (24 kHz), which every model takes."


class OpenAIDialect:
    """A `Dialect`.  `product` is what responses are billed as; `hearing` words what goes wrong with transcripts, which
    another model writes."""

    def __init__(
        self,
        ends: Ends,
        settings: SessionSettings,
        config: EngineConfig,
        *,
        product: Product,
        faults: Faults,
        hearing: Faults,
        clock: Clock,
    ) -> None:
        self._ends = ends
        self._settings = settings
        self._config = config
        self._product = product
        self._transcriber = Product(product.vendor, settings.transcription_model)
        self._faults = faults
        self._used: list[Used] = []
        self._caller = Caller(ends, hearing, clock)
        self._min_commit = int(heard.MIN_COMMIT_S * settings.format.bytes_per_second)
        self._uncommitted = 0
        self._is_ready = False
        self._responding = False
        self._response = ""
        """The id of the response under way, once it has one."""
        self._cancelled = False

    # -- commands

    def begin(self) -> None:
        """The server speaks first."""

    def send(self, audio: bytes) -> None:
        self._uncommitted += len(audio)
        self._ends.send(heard.append(audio))

    def commit(self) -> None:
        if self._uncommitted < self._min_commit:
            self._caller.committed_nothing()
            return
        self._uncommitted = 0
        self._caller.committed()
        self._say(wire.COMMIT)

    def tell(self, text: str) -> None:
        self._say(wire.told(text))

    def respond(self) -> None:
        self._begin_response(wire.RESPOND)

    def say(self, text: str) -> None:
        self._begin_response(wire.say(text, self._settings))

    def cancel(self) -> None:
        if self._responding and not self._cancelled:
            self._cancelled = True
            self._say(wire.CANCEL)

    def truncate(self, item_id: str, audio_end_ms: int) -> None:
        self._say(wire.truncate(item_id, audio_end_ms))

    def tool_result(self, call_id: str, output: str) -> None:
        self._say(wire.tool_result(call_id, output))

    def configure(self, instructions: str, tools: Sequence[ToolSpec]) -> None:
        self._say(wire.reconfigure(instructions, tools, self._settings))

    def keep_alive(self) -> None:
        self._say(wire.UNCHANGED)

    def end(self) -> None:
        """Nothing is to be said."""

    @property
    def usage_due(self) -> bool:
        return self._responding and self._cancelled

    def used(self, open_s: float) -> tuple[Used, ...]:
        return totals(self._used)

    def closed(self, code: int, reason: str) -> ProviderError | None:
        return None

    def _begin_response(self, message: wire.Json) -> None:
        self._responding, self._cancelled, self._response = True, False, ""
        self._say(message)

    def _say(self, message: wire.Json) -> None:
        self._ends.send(wire.text(message))

    # -- what comes

    def receive(self, message: str | bytes) -> None:
        event = wire.parse(message)
        match event.type:
            case "session.created":
                self._greeted(event)
            case "session.updated":
                self._configured(event)
            case "response.created":
                self._response = (event.response.id if event.response else None) or ""
            case "response.done":
                self._response_done(event)
            case "error":
                self._complain(event)
            case kind if kind.startswith("response."):
                self._part_came(event)
            case "conversation.item.input_audio_transcription.completed" if event.usage is not None:
                self._used = list(totals([*self._used, wire.used(event.usage, self._transcriber)]))
        self._caller.receive(event)

    def _greeted(self, event: wire.ServerEvent) -> None:
        if wire.is_beta(event):
            self._ends.emit(
                self._faults.failed(
                    "speaks the beta of OpenAI's realtime API, which is not spoken here",
                    retryable=False,
                    next_step="Use a server of the API's general availability (GA), or another version of this one.",
                )
            )
            return
        self._say(wire.session_update(self._settings, self._config))

    def _configured(self, event: wire.ServerEvent) -> None:
        if self._is_ready:
            return
        self._is_ready = True
        if other := wire.other_format(event, self._settings):
            self._ends.emit(
                self._faults.failed(
                    f"speaks {other}, not what it was asked for", retryable=False, next_step=OTHER_FORMAT
                )
            )
            return
        for item in wire.history(self._config.history):
            self._say(item)
        self._ends.emit(READY)

    def _response_done(self, event: wire.ServerEvent) -> None:
        done = wire.response_done(event, self._product, self._faults)
        if done.usage is not None:
            self._used = list(totals([*self._used, done.usage]))
        if ((event.response and event.response.id) or "") == self._response:  # else of one that was given up
            self._responding = False
            self._ends.emit(done)

    def _part_came(self, event: wire.ServerEvent) -> None:
        """A piece of the response under way; what still comes of one that was cancelled is nobody's."""
        if self._cancelled or event.response_id != self._response:
            return
        match event.type:
            case "response.output_audio.delta":
                self._ends.emit(AudioDelta(event.item_id, wire.audio(event)))
            case "response.output_audio_transcript.delta":
                self._ends.emit(TextDelta(event.delta or ""))
            case "response.function_call_arguments.done":
                self._ends.emit(ToolCall(event.call_id, event.name, event.arguments))

    def _complain(self, event: wire.ServerEvent) -> None:
        error = wire.complaint(event, self._faults)
        if not self._is_ready or wire.is_fatal(event):
            self._ends.emit(error)
            return
        match event.error.event_id if event.error else None:
            case wire.RESPONDING:
                self._responding = False
                self._ends.emit(ResponseDone("failed", error=error))
            case heard.COMMITTING:
                self._refused_commit(event)
            case _:
                # Races that are nobody's fault: a response that ended while it was cancelled or cut.
                log.info("%s", error.message)

    def _refused_commit(self, event: wire.ServerEvent) -> None:
        """Only what the API takes is committed: where it found nothing, it dropped what it was sent."""
        if event.error is not None and event.error.code == wire.NOTHING_TO_COMMIT:
            log.warning(
                "%s heard nothing in %s at %d Hz. %s",
                self._faults.name,
                self._settings.format.encoding,
                self._settings.format.rate,
                OTHER_FORMAT,
            )
        self._caller.refused()
