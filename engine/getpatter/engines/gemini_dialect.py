"""One session of Gemini's Live API: what we say to it, and what its messages come to.  Pure.

The API answers as soon as the caller's activity ends, and breaks off its answer as soon as another begins.  It is the
conversation that decides about both.  So the answer to what was committed is kept until it is asked for, or until the
caller says more, with which it is void; and what the caller says over an answer that was asked for is kept from the API
until that is complete, or cancelled.  The API takes every answer for heard: what was not is told in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from getpatter.connections.faults import Faults
from getpatter.engines import gemini_wire as wire
from getpatter.engines.base import AudioDelta, EngineConfig, ResponseDone, ResponseEvent, Resumption
from getpatter.engines.dialect import READY, Ends
from getpatter.engines.gemini_caller import Caller
from getpatter.engines.gemini_turn import ModelTurn
from getpatter.engines.gemini_wire import SessionSettings
from getpatter.engines.heard_text import HeardText
from getpatter.errors import ProviderError
from getpatter.llm.base import TextDelta, ToolSpec
from getpatter.metering import Product, Used, totals

GO_ON: Final = "[The caller says nothing. Go on.]"
UNHEARD: Final = "[The caller did not hear your last answer.]"
LATE_RESULT: Final = "[A tool that you called before gave: {}]"
ANSWER_AGAIN: Final = "[Answer what the caller said last.]"


class GeminiDialect:
    """A `Dialect`.  `resumes` is the handle of a session that this one goes on with."""

    def __init__(
        self,
        ends: Ends,
        settings: SessionSettings,
        config: EngineConfig,
        *,
        resumes: str,
        product: Product,
        faults: Faults,
    ) -> None:
        self._ends = ends
        self._settings = settings
        self._config = config
        self._resumes = resumes
        self._product = product
        self._faults = faults
        self._used: tuple[Used, ...] = ()
        self._turn = ModelTurn()
        self._responses = 0
        self._said = HeardText(wire.OUTPUT)
        self._caller = Caller(ends, ending=self._take_notes, ended=self._answers_by_itself)
        self._claimed = True
        """The answer under way was asked for."""
        self._kept: list[ResponseEvent] | None = None
        """What has come of one that was not; None when nobody will ask for it any more."""
        self._notes: list[str] = []
        """What the caller told otherwise than by voice, and what we have to tell."""
        self._calls: dict[str, str] = {}
        """Names of tools by the ids of their calls, until there is a result or the API wants none any more."""
        self._results: list[tuple[str, str, str]] = []
        self._handle = ""
        self._leaving = False
        """The API will end the session soon."""

    # -- commands

    def begin(self) -> None:
        self._say(wire.setup(self._settings, self._config, self._resumes))

    def send(self, audio: bytes) -> None:
        self._drop_kept()
        self._caller.speak(audio, hold=self._claimed and self._turn.is_heard)

    def commit(self) -> None:
        self._caller.commit()

    def tell(self, text: str) -> None:
        self._notes.append(text)

    def respond(self) -> None:
        if self._results:
            results, self._results = self._results, []
            self._say(wire.tool_results(results))
            self._begin_response(claimed=True)
        elif self._kept is not None and not self._notes:
            kept, self._kept, self._claimed = self._kept, None, True
            for event in kept:
                self._ends.emit(event)
        else:
            if self._kept is not None:
                # It was given before what is to be told now.
                self._drop_kept()
                self._notes.append(ANSWER_AGAIN)
            self._say(wire.turn("\n".join(self._take_notes()) or GO_ON))
            self._begin_response(claimed=True)

    def say(self, text: str) -> None:
        self._drop_kept()
        self._say(wire.say(text))
        self._begin_response(claimed=True)

    def cancel(self) -> None:
        if self._claimed and self._turn.is_heard:
            self._turn.cancelled = True
            self._caller.release()

    def truncate(self, item_id: str, audio_end_ms: int) -> None:
        heard = self._said.until(item_id, audio_end_ms)
        if heard is not None:
            what = f"only this: {heard}" if heard else "nothing"
            self._notes.append(f"[The caller cut in on you, and of that answer heard {what}]")

    def tool_result(self, call_id: str, output: str) -> None:
        name = self._calls.pop(call_id, None)
        if name is None:
            self._notes.append(LATE_RESULT.format(output))
        else:
            self._results.append((call_id, name, output))

    def configure(self, instructions: str, tools: Sequence[ToolSpec]) -> None:
        self._say(wire.reconfigure(instructions, tools))

    def keep_alive(self) -> None:
        """Nothing is needed."""

    def end(self) -> None:
        """Nothing is to be said."""

    @property
    def usage_due(self) -> bool:
        return self._turn.last_message_due

    def used(self, open_s: float) -> tuple[Used, ...]:
        return self._used

    def closed(self, code: int, reason: str) -> ProviderError | None:
        lower = reason.lower()
        if "api key" in lower:
            return self._faults.refused(401)
        if "quota" in lower or "resource_exhausted" in lower or "resource has been exhausted" in lower:
            return self._faults.refused(429, reason.encode())
        return None

    def _say(self, message: wire.Json) -> None:
        self._ends.send(wire.text(message))

    def _take_notes(self) -> list[str]:
        notes, self._notes = self._notes, []
        return notes

    def _answers_by_itself(self) -> None:
        """What the caller says has come to an end, upon which the API answers."""
        self._begin_response(claimed=False)
        self._kept = []

    def _begin_response(self, *, claimed: bool) -> None:
        if self._claimed and self._turn.under_way:
            self._ends.emit(ResponseDone("cancelled"))  # what still comes of it is nobody's
        self._turn.begin()
        self._claimed = claimed
        self._responses += 1

    def _drop_kept(self) -> None:
        """Nobody asks for the answer any more that the API gave by itself."""
        if self._kept is None:
            return
        if any(isinstance(event, AudioDelta | TextDelta) for event in self._kept):
            self._notes.append(UNHEARD)
        self._kept, self._turn.cancelled = None, True

    def _tell(self, event: ResponseEvent) -> None:
        if self._claimed:
            self._ends.emit(event)
        elif self._kept is not None:
            self._kept.append(event)

    # -- what comes

    def receive(self, message: str | bytes) -> None:
        found = wire.parse(message)
        if found.error is not None:
            self._ends.emit(self._faults.refused(found.error.code, found.error.message.encode()))
        if found.setup_complete is not None:
            if self._config.history and not self._resumes:
                self._say(wire.history(self._config.history))
            self._ends.emit(READY)
        if found.usage_metadata is not None:
            # It comes with the end of the turn, which is some time after that of the answer.
            self._used = totals((*self._used, wire.used(found.usage_metadata, self._product)))
        if found.session_resumption_update is not None and found.session_resumption_update.resumable:
            self._handle = found.session_resumption_update.new_handle
            self._ends.emit(Resumption(self._handle))
        if found.tool_call_cancellation is not None:
            self._give_up_calls(found.tool_call_cancellation.ids)
        if found.server_content is not None:
            self._content(found.server_content)
        if found.tool_call is not None:
            self._call_tools(found.tool_call)
        if found.go_away is not None:
            self._leaving = True
        self._leave_if_idle()

    def _content(self, content: wire.ServerContent) -> None:
        if content.interim_input_transcription is not None:
            self._caller.guessed(content.interim_input_transcription.text)
        if content.input_transcription is not None:
            self._caller.understood(content.input_transcription.text)
        if self._turn.is_heard:
            self._spoken(content)
        ending = self._turn.ends(content)
        if ending is not None:
            odd = content.turn_complete_reason not in ("", "TURN_COMPLETE_REASON_UNSPECIFIED")
            self._response_done(ResponseDone("incomplete" if odd and ending == "completed" else ending))

    def _spoken(self, content: wire.ServerContent) -> None:
        item_id = f"turn_{self._responses}"
        if content.output_transcription is not None and content.output_transcription.text:
            self._turn.spoke()
            self._said.write(item_id, content.output_transcription.text)
            self._tell(TextDelta(content.output_transcription.text))
        for audio in wire.sounds(content):
            self._turn.spoke()
            self._said.add(item_id, len(audio))
            self._tell(AudioDelta(item_id, audio))

    def _call_tools(self, message: wire.ToolCalls) -> None:
        """The API waits for the results, so what it has to say is said; the next answer comes of them."""
        if not self._turn.is_heard:
            if self._turn.is_unwanted:
                self._turn.wait_for_tools()
                self._response_done(ResponseDone("cancelled"))
            return
        self._turn.spoke()
        for call in wire.calls(message):
            self._calls[call.id] = call.name
            self._tell(call)
        self._turn.wait_for_tools()
        self._response_done(ResponseDone())

    def _give_up_calls(self, ids: Sequence[str]) -> None:
        """The API takes no results of these any more: what there is of them is told in words."""
        for call_id in ids:
            self._calls.pop(call_id, None)
        self._notes += [LATE_RESULT.format(output) for call_id, _, output in self._results if call_id in ids]
        self._results = [result for result in self._results if result[0] not in ids]

    def _response_done(self, done: ResponseDone) -> None:
        self._caller.answered()
        self._tell(done)
        self._caller.release()

    def _leave_if_idle(self) -> None:
        if self._leaving and not (self._turn.under_way or self._caller.has_spoken or self._calls or self._kept):
            self._leaving = False
            self._ends.emit(Resumption(self._handle, due=True))
