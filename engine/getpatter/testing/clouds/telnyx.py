"""A stand-in for Telnyx: https://developers.telnyx.com/api-reference/call-commands/dial"""

from __future__ import annotations

import asyncio
import hmac
import re
from collections.abc import Callable, Coroutine, Sequence
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

from starlette.responses import JSONResponse, Response

from getpatter.conversation.listening import Listening
from getpatter.errors import CarrierError
from getpatter.testing.clouds import telnyx_resources as resources
from getpatter.testing.clouds.cloud import Cloud, OwnNumber
from getpatter.testing.clouds.rest import Asked, Handler, Refused, Rest
from getpatter.testing.clouds.telnyx_fields import ACTIONS, DIAL, check
from getpatter.testing.happenings import OVER, Connected
from getpatter.testing.line_call import LineCall, Terms
from getpatter.testing.lines import RingResult
from getpatter.testing.parties import Directory
from getpatter.testing.telnyx_webhooks import TelnyxSigner
from getpatter.testing.telnyx_wire import Application, TelnyxWire, new_call_id
from getpatter.testing.verbs import ConnectStream, DialNumber, GatherKey, HangUpCall, JoinRoom, RejectCall, Verb
from getpatter.testing.wire import Legs
from getpatter.tts.base import TextToSpeech

_CALL = "(?P<call_id>[^/]+)"
_ID = "(?P<id>[^/]+)"
_KEYS = re.compile("[0-9A-D*#w]+")


class TelnyxCloud(Cloud):
    """The account's calls by Call Control, numbers and one application, signed events and media streams.

    `url` and `public_key` are for `Telnyx(api_key, connection_id, cloud.public_key, api_url=cloud.url)`.  Requests that
    Telnyx would not take are refused, and so are fields that are not simulated.  One thing is not as with Telnyx: a
    stream ends when its call is connected with another one.
    """

    api_path = "/v2"

    def __init__(
        self,
        directory: Directory,
        *,
        api_key: str = "KEY0",
        connection_id: str = "1494404757140276705",
        tts: TextToSpeech | None = None,
        listening: Listening | None = None,
    ) -> None:
        signer = TelnyxSigner()
        self.public_key = signer.public_key
        self.ring_timeout_s = 30.0
        """How long a party that calls waits for an answer."""
        self.application = Application(connection_id=connection_id, signer=signer, api_url=lambda: self.url)
        self.application.fields = resources.application_fields()
        self._api_key = api_key
        self._done: dict[str, Response] = {}
        """What was answered to commands, by their `command_id`: Telnyx does none twice within 60 s."""
        super().__init__(directory, tts=tts, listening=listening)

    def own(self, number: str, voice_url: str = "") -> OwnNumber:
        """`voice_url` becomes that of the application, which is the one for all numbers."""
        self.application.webhook_event_url = voice_url or self.application.webhook_event_url
        owned = self.numbers[number] = OwnNumber(
            number, str(uuid4().int)[:19], application=self.application.connection_id
        )
        return owned

    async def ring(self, number: str, to_number: str) -> RingResult:
        self.lines.directory.find(number)
        owned = self._own(to_number)
        if owned.application != self.application.connection_id or not self.application.webhook_event_url:
            raise CarrierError(f"{to_number} is on no application that has a webhook URL.")
        legs = Legs(new_call_id(), "inbound", number, to_number)
        wire = TelnyxWire(self.application, legs)
        call = await self.lines.call(legs, wire)

        async def program() -> Sequence[Verb]:
            try:
                async with asyncio.timeout(self.ring_timeout_s):
                    return await wire.answer
            except TimeoutError:
                raise CarrierError("The engine did not answer.", carrier_code="not_answered") from None

        await self.lines.start(call, call.receive(program, Terms()))
        return self.lines.result(call)

    # -- the account

    def _make_rest(self) -> Rest:
        routes: list[tuple[str, str, Handler]] = [
            ("POST", "/v2/calls", self._dial),
            ("GET", f"/v2/calls/{_CALL}", self._get_call),
            ("POST", f"/v2/calls/{_CALL}/actions/(?P<action>[a-z_]+)", self._act),
            ("GET", "/v2/phone_numbers", self._list_numbers),
            ("PATCH", f"/v2/phone_numbers/{_ID}", self._update_number),
            ("GET", f"/v2/call_control_applications/{_ID}", self._get_application),
            ("PATCH", f"/v2/call_control_applications/{_ID}", self._update_application),
            ("GET", r"/v2/recordings/(?P<recording>\w+)\.wav", self._get_audio),
        ]
        return Rest(routes, refusal=resources.refusal, check=self._check_credentials)

    def _check_credentials(self, asked: Asked) -> None:
        if asked.path.startswith("/v2/recordings/"):
            return  # such an address holds its own permission
        given = asked.headers.get("authorization", "").encode()
        if not hmac.compare_digest(given, f"Bearer {self._api_key}".encode()):
            raise Refused(401, 10009, "Authentication failed")

    # -- calls

    async def _dial(self, asked: Asked) -> Response:
        if (done := self._done.get(asked.text("command_id"))) is not None:
            return done
        check(asked, "dial", DIAL)
        self._check_numbers(asked)
        legs = Legs(new_call_id(), "outbound", asked.text("from"), asked.text("to"))
        detection = asked.text("answering_machine_detection", "disabled")
        wire = TelnyxWire(
            self.application,
            legs,
            client_state=asked.fields.get("client_state"),
            webhook_url=asked.text("webhook_url"),
            detection="" if detection == "disabled" else detection,
        )
        try:
            call = await self.lines.call(legs, wire)
        except CarrierError as unusable:
            raise Refused(422, 10016, unusable.message) from unusable
        verbs = _stream(asked, wire)

        async def program() -> Sequence[Verb]:
            return verbs

        terms = Terms(
            ring_timeout_s=asked.fields.get("timeout_secs", 30),
            max_duration_s=asked.fields.get("time_limit_secs", 14400),
            verdict=None if detection == "disabled" else self._verdict(legs.to_number),
        )
        self.lines.start(call, call.dial(program, terms))
        return self._remember(asked, JSONResponse({"data": resources.call(call, wire)}))

    def _check_numbers(self, asked: Asked) -> None:
        if asked.text("connection_id") != self.application.connection_id:
            raise Refused(422, 10015, "The 'connection_id' parameter is not one of this account's")
        if asked.text("from") not in self.numbers:
            raise Refused(403, 10010, f"Unverified origination number {asked.text('from')}")
        if not re.fullmatch(r"\+[1-9][0-9]{6,14}", asked.text("to")):
            raise Refused(422, 10016, "The 'to' parameter must be in E.164 format")

    async def _get_call(self, asked: Asked, call_id: str) -> Response:
        call = self._find(call_id)
        return JSONResponse({"data": resources.call(call, self._wire(call))})

    async def _act(self, asked: Asked, call_id: str, action: str) -> Response:
        if (done := self._done.get(asked.text("command_id"))) is not None:
            return done
        if action not in ACTIONS:
            raise Refused(404, 10005, f"The action {action} is not simulated")
        check(asked, action, ACTIONS[action])
        call = self._find(call_id)
        if call.status in OVER:
            raise Refused(422, 90018, "Call has already ended")
        if asked.text("client_state"):
            self._wire(call).client_state = asked.text("client_state")
        try:
            await self._commands[action](asked, call)
        except CarrierError as refused:
            raise Refused(422, 90034, refused.message) from refused
        return self._remember(asked, JSONResponse({"data": {"result": "ok"}}))

    @property
    def _commands(self) -> dict[str, Callable[[Asked, LineCall], Coroutine[Any, Any, None]]]:
        return {
            "answer": self._answer,
            "reject": self._reject,
            "hangup": self._hang_up,
            "transfer": self._transfer,
            "bridge": self._bridge,
            "send_dtmf": self._send_dtmf,
            "speak": self._speak,
            "gather_using_speak": self._gather,
            "record_start": self._start_recording,
            "record_stop": self._stop_recording,
            "streaming_start": self._start_stream,
            "streaming_stop": self._stop_stream,
        }

    async def _answer(self, asked: Asked, call: LineCall) -> None:
        wire = self._ringing(call)
        wire.webhook_url = asked.text("webhook_url", wire.webhook_url)
        wire.answer.set_result(_stream(asked, wire))

    async def _reject(self, asked: Asked, call: LineCall) -> None:
        self._ringing(call).answer.set_result(
            [RejectCall("busy" if asked.text("cause") == "USER_BUSY" else "rejected")]
        )

    def _ringing(self, call: LineCall) -> TelnyxWire:
        wire = self._wire(call)
        if call.legs.direction != "inbound" or wire.answer.done():
            raise Refused(422, 90034, "The call cannot be answered or rejected any more")
        return wire

    async def _hang_up(self, asked: Asked, call: LineCall) -> None:
        wire = self._wire(call)
        if call.legs.direction == "inbound" and not wire.answer.done():
            wire.answer.set_result([RejectCall("rejected")])
        call.hang_up()

    async def _transfer(self, asked: Asked, call: LineCall) -> None:
        if not call.is_live:
            raise Refused(422, 90034, "This call is not answered yet")
        room = f"transfer {uuid4().hex}"
        verb = DialNumber(asked.text("to"), asked.fields.get("timeout_secs", 30), asked.text("from"))
        other = await self.lines.dial_onward(call, verb, room)
        self._wire(other).client_state = asked.text("target_leg_client_state") or None
        call.onward_call = other
        self.lines.see_to(self._put_through(call, other, _together(asked, room)))

    async def _put_through(self, call: LineCall, other: LineCall, verbs: Sequence[Verb]) -> None:
        """Connect both once the other one answers; a call whose transfer nobody takes stays as it is."""
        events = [asyncio.ensure_future(event.wait()) for event in (other.answered, other.ended)]
        await asyncio.wait(events, return_when=asyncio.FIRST_COMPLETED)
        for event in events:
            event.cancel()
        if other.is_live and call.is_live:
            call.do(verbs)
            for one in (call, other):
                one.tell(Connected())
        elif other.is_live:
            other.hang_up()

    async def _bridge(self, asked: Asked, call: LineCall) -> None:
        other = self._find(asked.text("call_control_id"))
        if not (call.is_live and other.is_live):
            raise Refused(422, 90034, "Both calls must be answered")
        room = f"bridge {uuid4().hex}"
        call.onward_call, other.onward_call = other, call
        for one in (call, other):
            one.do(_together(asked, room))
            one.tell(Connected())

    async def _send_dtmf(self, asked: Asked, call: LineCall) -> None:
        if not _KEYS.fullmatch(asked.text("digits")):
            raise Refused(422, 10015, "The 'digits' parameter has what is no key")
        call.press(asked.text("digits"))

    async def _speak(self, asked: Asked, call: LineCall) -> None:
        if not call.is_live:
            raise Refused(422, 90034, "This call is not answered yet")
        self.lines.see_to(call.announce(asked.text("payload")))

    async def _gather(self, asked: Asked, call: LineCall) -> None:
        if not call.is_live:
            raise Refused(422, 90034, "This call is not answered yet")
        if call.is_streaming or asked.fields.get("maximum_digits") != 1:
            raise Refused(422, 10015, "Only one key, and none beside a stream, is simulated")
        timeout_s = asked.fields.get("timeout_millis", 60_000) / 1000
        call.do([GatherKey((asked.text("payload"),), timeout_s, asked.fields.get("maximum_tries", 3))])

    async def _start_recording(self, asked: Asked, call: LineCall) -> None:
        if asked.text("format") != "wav":
            raise Refused(422, 10015, "Only the format wav is simulated")
        call.record(2 if asked.text("channels") == "dual" else 1)

    async def _stop_recording(self, asked: Asked, call: LineCall) -> None:
        for recording in call.recordings:
            call.stop_recording(recording)

    async def _start_stream(self, asked: Asked, call: LineCall) -> None:
        call.do(_stream(asked, self._wire(call)))

    async def _stop_stream(self, asked: Asked, call: LineCall) -> None:
        if not call.is_streaming:
            raise Refused(422, 90046, "There is no stream to stop")
        call.stop_stream()

    async def _get_audio(self, asked: Asked, recording: str) -> Response:
        for call in self.lines.calls:
            for made in call.recordings:
                if made.id == recording:
                    return Response(made.wav(), media_type="audio/wav")
        raise Refused(404, 10005, "Resource not found")

    def _find(self, call_id: str) -> LineCall:
        call = self.lines.find(unquote(call_id))
        if call is None:
            raise Refused(404, 10005, "Resource not found")
        return call

    def _wire(self, call: LineCall) -> TelnyxWire:
        assert isinstance(call.wire, TelnyxWire)
        return call.wire

    def _remember(self, asked: Asked, response: Response) -> Response:
        if asked.text("command_id"):
            self._done[asked.text("command_id")] = response
        return response

    # -- numbers

    async def _list_numbers(self, asked: Asked) -> Response:
        wanted = asked.query.get("filter[phone_number]", "")
        found = [resources.number(owned) for owned in self.numbers.values() if wanted in owned.number]
        return JSONResponse({"data": found, "meta": resources.meta(len(found))})

    async def _update_number(self, asked: Asked, id: str) -> Response:
        for owned in self.numbers.values():
            if id in (owned.id, owned.number):
                owned.application = asked.text("connection_id", owned.application)
                return JSONResponse({"data": resources.number(owned)})
        raise Refused(404, 10005, "Resource not found")

    async def _get_application(self, asked: Asked, id: str) -> Response:
        if id != self.application.connection_id:
            raise Refused(404, 10005, "Resource not found")
        return JSONResponse({"data": resources.application(self.application)})

    async def _update_application(self, asked: Asked, id: str) -> Response:
        changes = dict(asked.fields)
        if "application_name" not in changes or "webhook_event_url" not in changes:
            raise Refused(422, 10004, "application_name and webhook_event_url are required")
        response = await self._get_application(asked, id)
        unknown = set(changes) - {"webhook_event_url", *self.application.fields}
        if unknown:
            raise Refused(422, 10015, f"The parameter {min(unknown)} is unknown or not simulated")
        self.application.webhook_event_url = changes.pop("webhook_event_url")
        self.application.fields.update(changes)
        return response if not asked.fields else JSONResponse({"data": resources.application(self.application)})


def _stream(asked: Asked, wire: TelnyxWire) -> list[Verb]:
    if not asked.text("stream_url"):
        return []
    wire.is_rtp = asked.text("stream_bidirectional_mode", "mp3") == "rtp"
    pairs = asked.fields.get("custom_parameters", [])
    return [ConnectStream(asked.text("stream_url"), {pair["name"]: pair["value"] for pair in pairs})]


def _together(asked: Asked, room: str) -> list[Verb]:
    """Be in a room, and hang up when it is over, unless the call is to stay then."""
    parks = asked.text("park_after_unbridge") == "self"
    return [JoinRoom(room, closes=True), *([] if parks else [HangUpCall()])]
