"""A stand-in for Twilio: https://www.twilio.com/docs/voice/api"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping, Sequence
from itertools import count
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

from starlette.datastructures import ImmutableMultiDict
from starlette.responses import JSONResponse, Response
from twilio.request_validator import SIGNATURE_HEADER, RequestValidator

from getpatter.conversation.listening import Listening
from getpatter.errors import CarrierError
from getpatter.testing import answer_document
from getpatter.testing.clouds import twilio_resources as resources
from getpatter.testing.clouds.cloud import Cloud, OwnNumber
from getpatter.testing.clouds.rest import Asked, Handler, Refused, Rest
from getpatter.testing.clouds.twilio_fields import (
    CREATE_CALL,
    CREATE_RECORDING,
    UPDATE_CALL,
    UPDATE_NUMBER,
    UPDATE_RECORDING,
    check,
    hook,
    method,
    whole,
)
from getpatter.testing.happenings import OVER
from getpatter.testing.line_call import LineCall, Program, Terms
from getpatter.testing.lines import RingResult
from getpatter.testing.parties import Directory
from getpatter.testing.recordings import Recording
from getpatter.testing.twilio_wire import Account, Fields, Hooks, TwilioWire, new_call_id
from getpatter.testing.verbs import Hook, Verb
from getpatter.testing.wire import Legs
from getpatter.tts.base import TextToSpeech

MAX_TWIML = 4000
"""Characters of a `Twiml` field."""
_SID = "[A-Z]{2}[0-9a-f]{32}"


class TwilioCloud(Cloud):
    """The account's calls, numbers and recordings, TwiML, signed webhooks and Media Streams.

    `url` is for `Twilio(account_sid, auth_token, api_url=cloud.url)`.  Requests that Twilio would not take are refused
    as it refuses them; so are fields and verbs that are not simulated, rather than left out in silence.  Media streams
    are signed over the wss spelling of their URL, also where a local engine is reached by ws.
    """

    def __init__(
        self,
        directory: Directory,
        *,
        account_sid: str = "AC" + "0" * 31 + "1",
        auth_token: str = "0" * 32,
        tts: TextToSpeech | None = None,
        listening: Listening | None = None,
    ) -> None:
        self.account_sid = account_sid
        self.is_trial = False
        """Set it, and the account is one that may call verified numbers only, which here are those of no party."""
        self._auth_token = auth_token
        self._validator = RequestValidator(auth_token)
        self._fetches: dict[str, count[int]] = {}
        super().__init__(directory, tts=tts, listening=listening)

    def own(self, number: str, voice_url: str = "") -> OwnNumber:
        owned = self.numbers[number] = OwnNumber(number, f"PN{uuid4().hex}", voice_url)
        return owned

    async def ring(self, number: str, to_number: str) -> RingResult:
        self.lines.directory.find(number)
        owned = self._own(to_number)
        if not owned.voice_url:
            raise CarrierError(f"{to_number} has no VoiceUrl.")
        legs = Legs(new_call_id(), "inbound", number, to_number)
        wire = TwilioWire(self._account, legs, Hooks(status=Hook(owned.status_url)))
        call = await self.lines.call(legs, wire)

        async def program() -> Sequence[Verb]:
            return await wire.follow(call, Hook(owned.voice_url, method(owned.voice_method)))

        await self.lines.start(call, call.receive(program, Terms()))
        return self.lines.result(call)

    # -- the account

    @property
    def _account(self) -> Account:
        return Account(self.account_sid, self._sign, self.webhooks, f"{self.url}{self._base}")

    @property
    def _base(self) -> str:
        return f"/2010-04-01/Accounts/{self.account_sid}"

    def _sign(self, url: str, fields: Fields = ()) -> Mapping[str, str]:
        return {SIGNATURE_HEADER: self._validator.compute_signature(_as_signed(url), ImmutableMultiDict(fields))}

    def _make_rest(self) -> Rest:
        base = self._base
        routes: list[tuple[str, str, Handler]] = [
            ("GET", rf"{base}\.json", self._get_account),
            ("POST", rf"{base}/Calls\.json", self._create_call),
            ("GET", rf"{base}/Calls/(?P<sid>{_SID})\.json", self._get_call),
            ("POST", rf"{base}/Calls/(?P<sid>{_SID})\.json", self._update_call),
            ("POST", rf"{base}/Calls/(?P<sid>{_SID})/Recordings\.json", self._create_recording),
            ("GET", rf"{base}/Calls/(?P<sid>{_SID})/Recordings\.json", self._list_recordings),
            ("GET", rf"{base}/Calls/(?P<sid>{_SID})/Recordings/RE(?P<recording>\w+)\.json", self._get_recording),
            ("POST", rf"{base}/Calls/(?P<sid>{_SID})/Recordings/RE(?P<recording>\w+)\.json", self._update_recording),
            ("GET", rf"{base}/Recordings/RE(?P<recording>[0-9a-f]+)(\.wav)?", self._get_audio),
            ("GET", rf"{base}/IncomingPhoneNumbers\.json", self._list_numbers),
            ("GET", rf"{base}/IncomingPhoneNumbers/(?P<sid>{_SID})\.json", self._get_number),
            ("POST", rf"{base}/IncomingPhoneNumbers/(?P<sid>{_SID})\.json", self._update_number),
        ]
        return Rest(routes, refusal=resources.refusal, check=self._check_credentials)

    def _check_credentials(self, asked: Asked) -> None:
        known = base64.b64encode(f"{self.account_sid}:{self._auth_token}".encode()).decode()
        if not hmac.compare_digest(asked.headers.get("authorization", "").encode(), f"Basic {known}".encode()):
            raise Refused(401, 20003, "Authenticate")

    async def _get_account(self, asked: Asked) -> Response:
        return JSONResponse(resources.account(self.account_sid, is_trial=self.is_trial))

    # -- calls

    async def _create_call(self, asked: Asked) -> Response:
        check(asked, CREATE_CALL)
        self._check_numbers(asked)
        legs = Legs(new_call_id(), "outbound", asked.text("From"), asked.text("To"))
        detects = asked.text("MachineDetection") and not asked.text("SendDigits")
        message_end = asked.text("MachineDetection") == "DetectMessageEnd"
        is_async = asked.text("AsyncAmd") == "true"
        hooks = Hooks(
            status=hook(asked, "StatusCallback"),
            events=frozenset(asked.texts("StatusCallbackEvent") or ["completed"]),
            detection=hook(asked, "AsyncAmdStatusCallback") if is_async else Hook(),
            message_end=message_end,
        )
        wire = TwilioWire(self._account, legs, hooks)
        try:
            call = await self.lines.call(legs, wire)
        except CarrierError as unusable:
            raise Refused(400, 21211, unusable.message) from unusable
        blocks = bool(detects) and not is_async
        terms = Terms(
            ring_timeout_s=whole(asked, "Timeout", 60, 1, 600),
            max_duration_s=whole(asked, "TimeLimit", 14400, 1, 86400),
            verdict=self._verdict(legs.to_number) if detects else None,
            detection_timeout_s=whole(asked, "MachineDetectionTimeout", 30, 3, 59),
            detection_first=("greeting_ended" if message_end else "recognised") if blocks else "",
        )
        self.lines.start(call, call.dial(self._program(asked, call, wire), terms))
        return self._call_response(call, 201)

    def _check_numbers(self, asked: Asked) -> None:
        for name, code in (("To", 21201), ("From", 21213)):
            if not asked.text(name):
                raise Refused(400, code, f"No '{name}' number is specified")
        to = asked.text("To")
        if not to.removeprefix("+").isdigit():
            raise Refused(400, 21211, f"The phone number you are attempting to call, {to}, is not valid.")
        if asked.text("From") not in self.numbers:
            message = f"The source phone number provided, {asked.text('From')}, is not yet verified for your account."
            raise Refused(400, 21210, message)
        if self.is_trial and self.lines.directory.get(to) is not None:
            raise Refused(400, 21219, f"The number {to} is unverified. Trial accounts may only call verified numbers.")

    def _program(self, asked: Asked, call: LineCall, wire: TwilioWire) -> Program:
        """What an update or a new call is to do; `Url` goes before `Twiml`, as with Twilio."""
        url = hook(asked, "Url")
        url = Hook(url.url, method(asked.text("Method", "POST")))
        if not url.url and not asked.text("Twiml"):
            raise Refused(400, 21205, "Url parameter is required.")
        if url.url:

            async def fetched() -> Sequence[Verb]:
                return await wire.follow(call, url)

            return fetched
        verbs = _verbs(asked.text("Twiml"))

        async def given() -> Sequence[Verb]:
            if asked.text("SendDigits"):
                call.press(asked.text("SendDigits"))
            if asked.text("Record") == "true":
                recording = call.record(2 if asked.text("RecordingChannels") == "dual" else 1)
                wire.recording_hooks[recording.id] = hook(asked, "RecordingStatusCallback")
            return verbs

        return given

    async def _get_call(self, asked: Asked, sid: str) -> Response:
        return self._call_response(self._find(sid))

    async def _update_call(self, asked: Asked, sid: str) -> Response:
        check(asked, UPDATE_CALL)
        call = self._find(sid)
        status, chosen = asked.text("Status"), [name for name in ("Url", "Twiml") if asked.text(name)]
        if status not in ("", "canceled", "completed"):
            raise Refused(400, 21218, f"Invalid status: {status}")
        if len(chosen) > 1:
            raise Refused(400, 20001, "Url and Twiml cannot be given together")
        if call.status in OVER:
            raise Refused(400, 21220, "Call is not in-progress. Cannot redirect.")
        if status == "completed" or (status == "canceled" and not call.is_live):
            call.hang_up()
        elif chosen:
            if not call.is_live:
                raise Refused(400, 21220, "Call is not in-progress. Cannot redirect.")
            wire = self._wire(call)
            call.do(await self._program(asked, call, wire)())
        if asked.text("TimeLimit"):
            call.limit(whole(asked, "TimeLimit", 14400, 1, 86400))
        return self._call_response(call)

    def _find(self, sid: str) -> LineCall:
        call = self.lines.find(sid)
        if call is None:
            raise Refused(404, 20404, f"The requested resource {self._base}/Calls/{sid}.json was not found")
        return call

    def _wire(self, call: LineCall) -> TwilioWire:
        assert isinstance(call.wire, TwilioWire)
        return call.wire

    def _call_response(self, call: LineCall, status: int = 200) -> Response:
        price = None
        if call.status in OVER:
            fetches = self._fetches.setdefault(call.legs.call_id, count(1))
            price = resources.price(call) if next(fetches) >= self.price_at_fetch else None
        return JSONResponse(resources.call(self.account_sid, call, self._wire(call).answered_by, price), status)

    # -- recordings

    async def _create_recording(self, asked: Asked, sid: str) -> Response:
        check(asked, CREATE_RECORDING)
        call = self._find(sid)
        try:
            recording = call.record(2 if asked.text("RecordingChannels") == "dual" else 1)
        except CarrierError as refused:
            raise Refused(404, 21220, "Requested resource is not eligible for recording") from refused
        self._wire(call).recording_hooks[recording.id] = hook(asked, "RecordingStatusCallback")
        return JSONResponse(resources.recording(self.account_sid, call, recording), 201)

    async def _list_recordings(self, asked: Asked, sid: str) -> Response:
        call = self._find(sid)
        made = [resources.recording(self.account_sid, call, recording) for recording in call.recordings]
        return JSONResponse(resources.page(asked.path, "recordings", made))

    async def _get_recording(self, asked: Asked, sid: str, recording: str) -> Response:
        call = self._find(sid)
        return JSONResponse(resources.recording(self.account_sid, call, _recording(call, recording)))

    async def _update_recording(self, asked: Asked, sid: str, recording: str) -> Response:
        check(asked, UPDATE_RECORDING)
        call = self._find(sid)
        if asked.text("Status") != "stopped":
            raise Refused(400, 21220, "Pausing is not simulated")
        call.stop_recording(_recording(call, recording))
        return JSONResponse(resources.recording(self.account_sid, call, _recording(call, recording)))

    async def _get_audio(self, asked: Asked, recording: str) -> Response:
        for call in self.lines.calls:
            for made in call.recordings:
                if made.id == recording:
                    return Response(made.wav(), media_type="audio/x-wav")
        raise Refused(404, 20404, "The requested resource was not found")

    # -- numbers

    async def _list_numbers(self, asked: Asked) -> Response:
        wanted = asked.query.get("PhoneNumber", "")
        found = [owned for owned in self.numbers.values() if wanted in owned.number]
        pages = [resources.number(self.account_sid, owned) for owned in found]
        return JSONResponse(resources.page(asked.path, "incoming_phone_numbers", pages))

    async def _get_number(self, asked: Asked, sid: str) -> Response:
        return JSONResponse(resources.number(self.account_sid, self._number(sid)))

    async def _update_number(self, asked: Asked, sid: str) -> Response:
        check(asked, UPDATE_NUMBER)
        owned = self._number(sid)
        owned.voice_url = asked.text("VoiceUrl", owned.voice_url)
        owned.voice_method = method(asked.text("VoiceMethod", owned.voice_method))
        owned.status_url = asked.text("StatusCallback", owned.status_url)
        owned.application = asked.text("VoiceApplicationSid", owned.application)
        return JSONResponse(resources.number(self.account_sid, owned))

    def _number(self, sid: str) -> OwnNumber:
        for owned in self.numbers.values():
            if owned.id == sid:
                return owned
        raise Refused(404, 20404, f"The requested resource {sid} was not found")


def _verbs(twiml: str) -> list[Verb]:
    if len(twiml) > MAX_TWIML:
        raise Refused(400, 32018, f"TwiML of {len(twiml)} characters; {MAX_TWIML} are allowed")
    try:
        return answer_document.read(twiml.encode())
    except CarrierError as unreadable:
        raise Refused(400, 12100, unreadable.message) from unreadable


def _recording(call: LineCall, recording_id: str) -> Recording:
    for recording in call.recordings:
        if recording.id == recording_id:
            return recording
    raise Refused(404, 20404, f"The requested resource RE{recording_id} was not found")


def _as_signed(url: str) -> str:
    """Twilio opens streams by wss only, and signs that."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(scheme="wss")) if parts.scheme == "ws" else url
