"""The simulated telephone network: parties with numbers, and the calls to and from them.

It speaks as Twilio does, but for its signature and two fields: `ExpectedPhrase` and `ErrorMessage`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from getpatter.carriers.base import DialRequest
from getpatter.conversation.listening import Listening
from getpatter.errors import CarrierError
from getpatter.testing.answer_document import read
from getpatter.testing.happenings import OVER, Status
from getpatter.testing.line_call import LineCall, Terms
from getpatter.testing.lines import Lines, RingResult
from getpatter.testing.parties import Directory
from getpatter.testing.signing import signature_headers
from getpatter.testing.twilio_wire import EVERYTHING, SIM_ACCOUNT, Account, Fields, Hooks, TwilioWire, new_call_id
from getpatter.testing.verbs import ConnectStream, DialNumber, Hook, RejectCall, Verb
from getpatter.testing.wire import Legs
from getpatter.tts.base import TextToSpeech

KEPT_CALLS = 4


class SimWire(TwilioWire):
    """Twilio's, and why a call failed."""

    def _more(self, call: LineCall, status: Status) -> Iterable[tuple[str, str]]:
        yield from super()._more(call, status)
        if status in OVER and call.refusal is not None:
            yield "ErrorMessage", call.refusal.message


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
        self._lines = Lines(directory, tts=tts, listening=listening, kept_calls=KEPT_CALLS)

        def sign(url: str, fields: Fields = ()) -> dict[str, str]:
            return signature_headers(secret, url, fields)

        self._account = Account(SIM_ACCOUNT, sign, self._lines.webhooks)

    async def dial(self, request: DialRequest) -> LineCall:
        """Begin to ring the party with this number; raises `CarrierError` for a number that nobody has."""
        party = self.directory.find(request.to_number)
        legs = Legs(new_call_id(), "outbound", request.from_number, request.to_number)
        hooks = Hooks(
            status=Hook(f"{request.webhooks_url}/status"),
            events=EVERYTHING,
            detection=Hook(f"{request.webhooks_url}/amd" if request.machine_detection else ""),
        )
        call = await self._lines.call(legs, SimWire(self._account, legs, hooks))

        async def program() -> Sequence[Verb]:
            return [ConnectStream(request.stream.url, request.stream.parameters)]

        terms = Terms(
            ring_timeout_s=request.ring_timeout_s,
            max_duration_s=request.max_duration_s,
            verdict=party.verdict if request.machine_detection else None,
        )
        self._lines.start(call, call.dial(program, terms))
        return call

    async def ring(self, voice_url: str, number: str, to_number: str, *, max_duration_s: float = 600.0) -> RingResult:
        """Let the party with `number` call `to_number`, whose voice webhook is `voice_url`, and stay until the end.

        Raises `CarrierError` when the engine cannot be reached, answers with an error or with no answer document, or
        does not take the media stream that it asked for.
        """
        party = self.directory.find(number)
        legs = Legs(new_call_id(), "inbound", number, to_number)
        wire = SimWire(self._account, legs)
        call = await self._lines.call(legs, wire)
        phrases = [("ExpectedPhrase", phrase) for phrase in party.phrases]

        async def program() -> Sequence[Verb]:
            verbs = await wire.follow(call, Hook(voice_url), phrases)
            if len(verbs) != 1 or not isinstance(verbs[0], ConnectStream | RejectCall):
                raise CarrierError("The engine's answer document has neither <Connect> nor <Reject> alone.")
            return verbs

        await self._lines.start(call, call.receive(program, Terms(max_duration_s=max_duration_s)))
        return self._lines.result(call)

    def find(self, call_id: str) -> LineCall | None:
        """A live call, or one of the last few that ended."""
        return self._lines.find(call_id)

    def hang_up(self, call_id: str) -> None:
        """End a live call; any other is over already."""
        if (call := self._lines.find(call_id)) is not None:
            call.hang_up()

    async def update(self, call_id: str, document: bytes) -> None:
        """Have a live call do what a document with `<Dial>` says, as Twilio does for `POST Calls/{sid}.json`.

        The media stream stops, and the party is connected to the one with the number.  Raises `CarrierError` for a
        number that nobody has, for a call that is not in progress and for any other document.
        """
        verbs = read(document)
        if len(verbs) != 1 or not isinstance(verbs[0], DialNumber):
            raise CarrierError("A call in progress can only be told to <Dial> here.")
        self.directory.find(verbs[0].number)
        if (call := self._lines.find(call_id)) is None:
            raise CarrierError(f"There is no call {call_id} in progress.", carrier_code="not_in_progress")
        call.do(verbs)

    async def close(self) -> None:
        """Drop all calls without a further word.  May be called twice."""
        await self._lines.close()
