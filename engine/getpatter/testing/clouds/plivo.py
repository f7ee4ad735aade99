"""A stand-in for Plivo: https://www.plivo.com/docs/voice/api/overview"""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections.abc import Sequence
from itertools import count
from uuid import uuid4

from starlette.responses import JSONResponse, Response

from getpatter.conversation.listening import Listening
from getpatter.errors import CarrierError
from getpatter.testing.clouds import plivo_resources as resources
from getpatter.testing.clouds.cloud import Cloud, OwnNumber
from getpatter.testing.clouds.plivo_fields import (
    APPLICATION,
    CREATE_CALL,
    NOTHING,
    PRESS,
    RECORD,
    SPEAK,
    TRANSFER,
    UPDATE_NUMBER,
    check,
    hook,
    method,
    number,
    refused,
)
from getpatter.testing.clouds.rest import Asked, Handler, Rest
from getpatter.testing.happenings import OVER
from getpatter.testing.line_call import LineCall, Program, Terms
from getpatter.testing.lines import RingResult
from getpatter.testing.parties import Directory
from getpatter.testing.plivo_wire import Account, Hooks, PlivoWire, new_id, recording_url
from getpatter.testing.verbs import GoTo, Hook, Verb
from getpatter.testing.wire import Legs
from getpatter.tts.base import TextToSpeech

_CALL = "(?P<call_id>[^/]+)"


class PlivoCloud(Cloud):
    """The account's calls, numbers and applications, Plivo XML, signed webhooks and audio streams.

    `url` is for `Plivo(auth_id, auth_token, api_url=cloud.url)`.  Requests and documents that Plivo would not take are
    refused, and so is what is not simulated.
    """

    api_path = "/v1"

    def __init__(
        self,
        directory: Directory,
        *,
        auth_id: str = "MA" + "X" * 18,
        auth_token: str = "0" * 40,
        renames: bool = True,
        tts: TextToSpeech | None = None,
        listening: Listening | None = None,
    ) -> None:
        """`renames` has a call go by another name than its request from its answer on, as Plivo may."""
        self.auth_id = auth_id
        self.renames = renames
        self.is_trial = False
        """Set it, and the account is one that may call verified numbers only, which here are those of no party."""
        self.applications: dict[str, resources.Application] = {}
        self._auth_token = auth_token
        self._requests: dict[str, str] = {}
        """The names of calls by those of their requests."""
        self._fetches: dict[str, count[int]] = {}
        super().__init__(directory, tts=tts, listening=listening)

    def call(self, call_id: str) -> LineCall:
        """By its own name or by its request's."""
        return super().call(self._requests.get(call_id, call_id))

    def own(self, number: str, voice_url: str = "") -> OwnNumber:
        """`voice_url` becomes that of an application for this number alone."""
        owned = self.numbers[number] = OwnNumber(number, number.removeprefix("+"))
        if voice_url:
            owned.application = self._add_application(f"of-{owned.id}", answer_url=voice_url).id
        return owned

    async def ring(self, number: str, to_number: str) -> RingResult:
        self.lines.directory.find(number)
        application = self.applications.get(self._own(to_number).application)
        if application is None or not application.answer_url:
            raise CarrierError(f"{to_number} has no application with an answer_url.")
        legs = Legs(new_id(), "inbound", number, to_number)
        hangup = Hook(application.hangup_url, method(application.hangup_method))
        wire = PlivoWire(self._account, legs, hooks=Hooks(hangup=hangup))
        call = await self.lines.call(legs, wire)
        answer = Hook(application.answer_url, method(application.answer_method))
        await self.lines.start(call, call.receive(_asks(call, answer), Terms()))
        return self.lines.result(call)

    # -- the account

    @property
    def _account(self) -> Account:
        return Account(self.auth_id, self._auth_token, self.webhooks, f"{self.url}/Account/{self.auth_id}")

    def _make_rest(self) -> Rest:
        base = f"/v1/Account/{self.auth_id}/"
        routes: list[tuple[str, str, Handler]] = [
            ("GET", base, self._get_account),
            ("POST", f"{base}Call/", self._create_call),
            ("GET", f"{base}Call/", self._list_calls),
            ("GET", f"{base}Call/{_CALL}/", self._get_call),
            ("POST", f"{base}Call/{_CALL}/", self._transfer),
            ("DELETE", f"{base}Call/{_CALL}/", self._hang_up),
            ("DELETE", f"{base}Request/(?P<request_id>[^/]+)/", self._cancel),
            ("DELETE", f"{base}Call/{_CALL}/Stream/", self._stop_streams),
            ("POST", f"{base}Call/{_CALL}/Record/", self._start_recording),
            ("DELETE", f"{base}Call/{_CALL}/Record/", self._stop_recordings),
            ("POST", f"{base}Call/{_CALL}/Speak/", self._speak),
            ("POST", f"{base}Call/{_CALL}/DTMF/", self._press),
            ("GET", rf"{base}Recording/(?P<recording>\w+)\.wav", self._get_audio),
            ("GET", f"{base}Number/", self._list_numbers),
            ("GET", f"{base}Number/(?P<digits>[0-9]+)/", self._get_number),
            ("POST", f"{base}Number/(?P<digits>[0-9]+)/", self._update_number),
            ("GET", f"{base}Application/", self._list_applications),
            ("POST", f"{base}Application/", self._create_application),
            ("GET", f"{base}Application/(?P<id>[0-9]+)/", self._get_application),
            ("POST", f"{base}Application/(?P<id>[0-9]+)/", self._update_application),
        ]
        return Rest(routes, refusal=resources.refusal, check=self._check_credentials)

    def _check_credentials(self, asked: Asked) -> None:
        if "/Recording/" in asked.path:
            return  # such an address holds its own permission
        known = base64.b64encode(f"{self.auth_id}:{self._auth_token}".encode()).decode()
        if not hmac.compare_digest(asked.headers.get("authorization", "").encode(), f"Basic {known}".encode()):
            raise refused(401, "Could not verify your access level for that URL.")

    async def _get_account(self, asked: Asked) -> Response:
        return JSONResponse(resources.account(self.auth_id, is_trial=self.is_trial))

    # -- calls

    async def _create_call(self, asked: Asked) -> Response:
        check(asked, CREATE_CALL)
        from_number, to_number = self._numbers_of(asked)
        request_id = new_id()
        legs = Legs(new_id() if self.renames else request_id, "outbound", from_number, to_number)
        detection = hook(asked, "machine_detection")
        hooks = Hooks(ring=hook(asked, "ring"), hangup=hook(asked, "hangup"), detection=detection)
        wire = PlivoWire(self._account, legs, request_id, hooks)
        try:
            call = await self.lines.call(legs, wire)
        except CarrierError as unusable:
            raise refused(400, unusable.message) from unusable
        detects = "machine_detection" in asked.fields
        terms = Terms(
            ring_timeout_s=asked.fields.get("ring_timeout", 120),
            max_duration_s=asked.fields.get("time_limit", 14_400),
            verdict=self._verdict(to_number) if detects else None,
            detection_timeout_s=asked.fields.get("machine_detection_time", 5000) / 1000,
            detection_first="recognised" if detects and not detection.url else "",
        )
        self._requests[request_id] = legs.call_id
        program = _asks(call, hook(asked, "answer"), digits=asked.text("send_digits"))
        self.lines.start(call, call.dial(program, terms))
        return JSONResponse(resources.said(message="call fired", request_uuid=request_id), 201)

    def _numbers_of(self, asked: Asked) -> tuple[str, str]:
        """The caller's and the callee's."""
        from_number, to_number = number(asked, "from"), number(asked, "to")
        if from_number not in self.numbers:
            raise refused(400, f"The from number {from_number} is not associated with your account")
        if self.is_trial and self.lines.directory.get(to_number) is not None:
            raise refused(400, f"The number {to_number} is not verified, and trial accounts may call no other")
        return from_number, to_number

    async def _list_calls(self, asked: Asked) -> Response:
        if asked.query.get("status") != "live":
            raise refused(400, "Only the list of live calls is simulated")
        live = [call.legs.call_id for call in self.lines.calls if _is_live(call)]
        return JSONResponse(resources.said(calls=live))

    async def _get_call(self, asked: Asked, call_id: str) -> Response:
        match asked.query.get("status"):
            case "live":
                call = self._find_live(call_id)
                body = resources.live_call(call, call.status, self._wire(call).request_id)
            case "queued":
                call = self._find(self._requests.get(call_id, ""))
                if call.status != "initiated":
                    raise refused(404, "not found")
                body = resources.live_call(call, "queued", call_id)
            case None:
                call = self._find(call_id)
                if call.status not in OVER:
                    raise refused(404, "not found")
                fetches = self._fetches.setdefault(call_id, count(1))
                body = resources.record(self.auth_id, call, is_priced=next(fetches) >= self.price_at_fetch)
            case other:
                raise refused(400, f"status parameter cannot be {other!r}")
        return JSONResponse(body)

    async def _transfer(self, asked: Asked, call_id: str) -> Response:
        check(asked, TRANSFER, call_uuid=call_id)
        self._find_answered(call_id).do([GoTo(hook(asked, "aleg"))])
        return JSONResponse(resources.said(message="call transferred", call_uuids=[call_id]), 202)

    async def _hang_up(self, asked: Asked, call_id: str) -> Response:
        check(asked, NOTHING, call_uuid=call_id)
        self._find_live(call_id).hang_up()
        return Response(status_code=204)

    async def _cancel(self, asked: Asked, request_id: str) -> Response:
        """Take a request back; one whose call was answered is done with."""
        call = self._find(self._requests.get(request_id, ""))
        if call.answered.is_set() or call.status in OVER:
            raise refused(404, "not found")
        call.hang_up()
        return Response(status_code=204)

    async def _stop_streams(self, asked: Asked, call_id: str) -> Response:
        check(asked, NOTHING, call_uuid=call_id)
        self._find_answered(call_id).stop_stream()
        return Response(status_code=204)

    async def _speak(self, asked: Asked, call_id: str) -> Response:
        check(asked, SPEAK, call_uuid=call_id)
        self.lines.see_to(self._find_answered(call_id).announce(asked.text("text")))
        return JSONResponse(resources.said(message="speak started"), 202)

    async def _press(self, asked: Asked, call_id: str) -> Response:
        check(asked, PRESS, call_uuid=call_id)
        self._find_answered(call_id).press(asked.text("digits"))
        return JSONResponse(resources.said(message="digits sent"), 202)

    def _find(self, call_id: str) -> LineCall:
        call = self.lines.find(call_id)
        if call is None:
            raise refused(404, "not found")
        return call

    def _find_live(self, call_id: str) -> LineCall:
        call = self._find(call_id)
        if not _is_live(call):
            raise refused(404, "not found")
        return call

    def _find_answered(self, call_id: str) -> LineCall:
        call = self._find(call_id)
        if not call.is_live:
            raise refused(404, "not found")
        return call

    def _wire(self, call: LineCall) -> PlivoWire:
        assert isinstance(call.wire, PlivoWire)
        return call.wire

    # -- recordings

    async def _start_recording(self, asked: Asked, call_id: str) -> Response:
        check(asked, RECORD, call_uuid=call_id)
        if asked.text("file_format", "mp3") != "wav":
            raise refused(400, "Only the format wav is simulated")
        call = self._find_answered(call_id)
        recording = call.record(2 if asked.text("record_channel_type") == "stereo" else 1)
        asyncio.get_running_loop().call_later(asked.fields.get("time_limit", 60), call.stop_recording, recording)
        url = recording_url(self._account.url, recording.id)
        answer = resources.said(message="call recording started", recording_id=recording.id, url=url)
        self._wire(call).recording_hooks[recording.id] = (answer["api_id"], hook(asked, "callback"))
        return JSONResponse(answer, 202)

    async def _stop_recordings(self, asked: Asked, call_id: str) -> Response:
        check(asked, NOTHING, call_uuid=call_id)
        call = self._find_answered(call_id)
        for recording in call.recordings:
            call.stop_recording(recording)
        return Response(status_code=204)

    async def _get_audio(self, asked: Asked, recording: str) -> Response:
        for call in self.lines.calls:
            for made in call.recordings:
                if made.id == recording:
                    return Response(made.wav(), media_type="audio/wav")
        raise refused(404, "not found")

    # -- numbers and applications

    async def _list_numbers(self, asked: Asked) -> Response:
        return JSONResponse(resources.page([resources.number(self.auth_id, owned) for owned in self.numbers.values()]))

    async def _get_number(self, asked: Asked, digits: str) -> Response:
        return JSONResponse(resources.number(self.auth_id, self._number(digits)))

    async def _update_number(self, asked: Asked, digits: str) -> Response:
        check(asked, UPDATE_NUMBER, number=digits)
        owned = self._number(digits)
        owned.application = self._application(asked.text("app_id", owned.application)).id
        return JSONResponse(resources.said(message="changed"), 202)

    def _number(self, digits: str) -> OwnNumber:
        if f"+{digits}" not in self.numbers:
            raise refused(404, "not found")
        return self.numbers[f"+{digits}"]

    async def _list_applications(self, asked: Asked) -> Response:
        wanted = asked.query.get("app_name", "")
        found = [made for made in self.applications.values() if wanted in made.name]
        return JSONResponse(resources.page([resources.application(self.auth_id, made) for made in found]))

    async def _get_application(self, asked: Asked, id: str) -> Response:
        return JSONResponse(resources.application(self.auth_id, self._application(id)))

    async def _create_application(self, asked: Asked) -> Response:
        check(asked, APPLICATION)
        if not asked.text("app_name"):
            raise refused(400, "app_name parameter not present")
        made = self._add_application(asked.text("app_name"))
        _set(made, asked)
        return JSONResponse(resources.said(message="created", app_id=made.id), 201)

    async def _update_application(self, asked: Asked, id: str) -> Response:
        check(asked, APPLICATION - {"app_name"})
        _set(self._application(id), asked)
        return JSONResponse(resources.said(message="changed"), 202)

    def _application(self, id: str) -> resources.Application:
        if id not in self.applications:
            raise refused(404, "not found")
        return self.applications[id]

    def _add_application(self, name: str, *, answer_url: str = "") -> resources.Application:
        made = resources.Application(str(uuid4().int)[:17], name, answer_url)
        self.applications[made.id] = made
        return made


def _asks(call: LineCall, answer: Hook, *, digits: str = "") -> Program:
    """Do what the engine says at this URL."""

    async def program() -> Sequence[Verb]:
        call.press(digits)
        return await call.wire.follow(call, answer)

    return program


def _set(made: resources.Application, asked: Asked) -> None:
    made.answer_url = asked.text("answer_url", made.answer_url)
    made.answer_method = method(asked.text("answer_method", made.answer_method))
    made.hangup_url = asked.text("hangup_url", made.hangup_url)
    made.hangup_method = method(asked.text("hangup_method", made.hangup_method))


def _is_live(call: LineCall) -> bool:
    return call.status in ("ringing", "in-progress")
