"""The simulated telephone network: parties with numbers, and the calls to and from them."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Literal

from getpatter.audio.vad import VoiceActivityModel
from getpatter.carriers.base import DialRequest
from getpatter.conversation.listening import Listening
from getpatter.errors import CarrierError, ConfigurationError, ProviderError
from getpatter.testing.answer_document import DialNumber, RejectCall, parse
from getpatter.testing.line_call import Exchange, Legs, LineCall, Onward, new_call_id
from getpatter.testing.parties import Directory, Party
from getpatter.testing.speech import Utterances, prepare
from getpatter.testing.webhooks import Webhooks
from getpatter.tts.base import TextToSpeech

log = logging.getLogger(__name__)

KEPT_CALLS = 4


@dataclass(frozen=True, slots=True)
class RingResult:
    """How a call to the engine went.  `ended_by` is None when it was turned away, for which `reason` has the words."""

    carrier_call_id: str
    ended_by: Literal["party", "carrier", "engine", "lost"] | None
    reason: str
    spoken: tuple[str, ...] = ()
    """What the party said."""

    @property
    def answered(self) -> bool:
        return self.ended_by is not None


class SimNetwork:
    """Dials parties for an engine, and rings an engine for a party.  Belongs to one event loop; `close` it."""

    def __init__(
        self,
        directory: Directory,
        secret: bytes,
        *,
        tts: TextToSpeech | None = None,
        listening: Listening | None = None,
    ) -> None:
        """`tts` speaks for parties that have no clips; `listening`, already started, is made here when not given."""
        self.directory = directory
        self._tts = tts
        self._webhooks = Webhooks(secret)
        self._listening = listening
        self._own_listening: Listening | None = None
        self._making_listening = asyncio.Lock()
        self._utterances: dict[str, Utterances] = {}
        self._live: dict[str, LineCall] = {}
        self._past: deque[LineCall] = deque(maxlen=KEPT_CALLS)
        self._tasks: set[asyncio.Task[None]] = set()

    async def dial(self, request: DialRequest) -> LineCall:
        """Begin to ring the party with this number; raises `CarrierError` for a number that nobody has."""
        party = self.directory.find(request.to_number)
        legs = Legs(new_call_id(), "outbound", request.from_number, request.to_number)
        call = await self._call(legs, party)
        self._own(call, call.dial(request))
        return call

    async def ring(self, voice_url: str, number: str, to_number: str, *, max_duration_s: float = 600.0) -> RingResult:
        """Let the party with `number` call `to_number`, whose voice webhook is `voice_url`, and stay until the end.

        Raises `CarrierError` when the engine cannot be reached, answers with an error or with no answer document, or
        does not take the media stream that it asked for.
        """
        party = self.directory.find(number)
        legs = Legs(new_call_id(), "inbound", number, to_number)
        call = await self._call(legs, party)
        phrases = [("ExpectedPhrase", phrase) for phrase in party.phrases]
        response = await self._webhooks.post(voice_url, [*legs.fields("ringing"), *phrases])
        if response.is_error:
            raise CarrierError(
                f"The engine answered its voice webhook with HTTP {response.status_code}.",
                carrier_code=f"webhook_{response.status_code}",
            )
        document = parse(response.content)
        if isinstance(document, RejectCall):
            return RingResult(legs.call_id, None, document.reason)
        if isinstance(document, DialNumber):
            raise CarrierError("The engine answered with <Dial>: forwarding unheard is not simulated.")
        self._live[legs.call_id] = call
        try:
            end = await call.connect(document.url, document.parameters, max_duration_s)
        finally:
            self._past.append(self._live.pop(legs.call_id))
        spoken = tuple(call.far_end.spoken) if call.far_end else ()
        return RingResult(legs.call_id, end.by, end.reason, spoken)

    def find(self, call_id: str) -> LineCall | None:
        """A live call, or one of the last few that ended."""
        return self._live.get(call_id) or next((c for c in self._past if c.legs.call_id == call_id), None)

    def hang_up(self, call_id: str) -> None:
        """End a live call; any other is over already."""
        if call_id in self._live:
            self._live[call_id].hang_up()

    async def update(self, call_id: str, document: bytes) -> None:
        """Have a live call do what a document with `<Dial>` says, as Twilio does for `POST Calls/{sid}.json`.

        The media stream stops, and the party is connected to the one with the number.  Raises `CarrierError` for a
        number that nobody has, for a call that is not in progress and for any other document.
        """
        asked = parse(document)
        if not isinstance(asked, DialNumber):
            raise CarrierError("A call in progress can only be told to <Dial> here.")
        party = self.directory.find(asked.number)
        onward = Onward(party, await self._utterances_of(party), asked.timeout_s)
        if (call := self._live.get(call_id)) is None:
            raise CarrierError(f"There is no call {call_id} in progress.", carrier_code="not_in_progress")
        call.redirect(onward)

    async def close(self) -> None:
        """Drop all calls without a further word.  May be called twice."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._own_listening is not None:
            await self._own_listening.stop()
        await self._webhooks.close()

    async def _call(self, legs: Legs, party: Party) -> LineCall:
        exchange = Exchange(self._webhooks, await self._listener())
        return LineCall(exchange, legs, party, await self._utterances_of(party))

    async def _listener(self) -> Listening:
        if self._listening is not None:
            return self._listening
        async with self._making_listening:
            if self._own_listening is None:
                self._own_listening = Listening(await asyncio.to_thread(VoiceActivityModel))
                self._own_listening.start()
        return self._own_listening

    async def _utterances_of(self, party: Party) -> Utterances:
        if party.number not in self._utterances:
            try:
                self._utterances[party.number] = await prepare(party, self._tts)
            except (ConfigurationError, ProviderError) as unusable:
                raise CarrierError(
                    f"{party.name} ({party.number}) cannot be called: {unusable.message}",
                    carrier_code="party_unusable",
                    next_step=unusable.next_step,
                ) from unusable
        return self._utterances[party.number]

    def _own(self, call: LineCall, course: Coroutine[Any, Any, None]) -> None:
        call_id = call.legs.call_id
        self._live[call_id] = call
        task = asyncio.create_task(course, name=f"simulated call {call_id}")
        self._tasks.add(task)

        def over(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            self._past.append(self._live.pop(call_id))
            if not task.cancelled() and (error := task.exception()) is not None:
                log.error("simulated call %s failed", call_id, exc_info=error)

        task.add_done_callback(over)
