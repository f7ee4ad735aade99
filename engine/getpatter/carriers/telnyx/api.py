"""Telnyx's REST API: https://developers.telnyx.com/api-reference"""

from __future__ import annotations

import random
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from getpatter.carriers.rest import DONE, PLACED, TIMEOUT_S, ApiRequest, Fields, RestClient, in_doubt
from getpatter.carriers.telnyx.refusals import ENDED, refusal
from getpatter.clock import Clock
from getpatter.errors import CarrierError

Body = Mapping[str, Any]

_Content = TypeVar("_Content")


class _Answer(msgspec.Struct, Generic[_Content], frozen=True):
    data: _Content


class Dialed(msgspec.Struct, frozen=True):
    """A call that Telnyx has taken."""

    call_control_id: str


class Call(msgspec.Struct, frozen=True):
    """`is_alive` is false of a call that is still being dialled, too; `end_time` tells it from one that is over.
    `call_duration` counts from the answer, in seconds."""

    is_alive: bool
    call_duration: int | None = None
    end_time: str | None = None
    client_state: str | None = None


class PhoneNumber(msgspec.Struct, frozen=True):
    id: str
    phone_number: str
    connection_id: str | None = None


class Outbound(msgspec.Struct, frozen=True):
    outbound_voice_profile_id: str | None = None


class Application(msgspec.Struct, frozen=True):
    """A Call Control application: where calls to its numbers are reported, and how calls out go."""

    application_name: str
    webhook_event_url: str | None = None
    webhook_api_version: str | None = None
    active: bool = True
    call_cost_in_webhooks: bool | None = None
    outbound: Outbound | None = None


_dialed = msgspec.json.Decoder(_Answer[Dialed]).decode
_call = msgspec.json.Decoder(_Answer[Call]).decode
_numbers = msgspec.json.Decoder(_Answer[list[PhoneNumber]]).decode
_application = msgspec.json.Decoder(_Answer[Application]).decode


class TelnyxApi:
    """Call Control, numbers and applications, for one account.

    Each command has an id by which Telnyx leaves out repeats of it (for 60 s), so all are repeated where the network or
    Telnyx fails; whoever asks for one anew asks for another.  Everything raises `CarrierError`.
    """

    def __init__(
        self,
        url: str,
        api_key: str,
        *,
        clock: Clock | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        headers = {"authorization": f"Bearer {api_key}"}
        self._rest = RestClient("Telnyx", url, headers=headers, clock=clock, jitter=jitter)

    async def dial(self, body: Body) -> Dialed:
        answer = await self._ask("POST", "/calls", body=_identified(body), doubt=PLACED)
        try:
            return _read(_dialed, answer)
        except CarrierError:
            raise in_doubt("Telnyx", "did not say how it calls the call", PLACED) from None

    async def command(
        self, carrier_call_id: str, action: str, body: Body, *, timeout_s: float = TIMEOUT_S, doubt: str = DONE
    ) -> None:
        """`action` as in `/calls/<id>/actions/<action>`; `doubt` as in `ApiRequest`."""
        path = f"{_call_path(carrier_call_id)}/actions/{action}"
        await self._ask("POST", path, body=_identified(body), timeout_s=timeout_s, doubt=doubt)

    async def hang_up(self, carrier_call_id: str) -> None:
        """A call that is over, or that Telnyx knows no more, is no error."""
        try:
            await self.command(carrier_call_id, "hangup", {}, doubt="")
        except CarrierError as refused:
            if refused.carrier_code != ENDED and not isinstance(refused, _NotFound):
                raise

    async def call(self, carrier_call_id: str) -> Call | None:
        """None for a call that Telnyx does not know, or no more: it forgets them 10 minutes after their end."""
        try:
            return _read(_call, await self._ask("GET", _call_path(carrier_call_id)))
        except _NotFound:
            return None

    async def number(self, number: str) -> PhoneNumber:
        """The account's number in E.164; raises `CarrierError` for one that is not its own."""
        found = await self._ask("GET", "/phone_numbers", query=[("filter[phone_number]", number)])
        for owned in _read(_numbers, found):
            if owned.phone_number == number:
                return owned
        raise CarrierError(
            "The number is not one of the Telnyx account's.",
            next_step="Compare it with My Numbers in Mission Control; the API key may be another account's.",
        )

    async def connect_number(self, number: PhoneNumber, connection_id: str) -> None:
        path = f"/phone_numbers/{quote(number.id, safe='')}"
        await self._ask("PATCH", path, body={"connection_id": connection_id})

    async def application(self, connection_id: str) -> Application:
        try:
            return _read(_application, await self._ask("GET", _application_path(connection_id)))
        except _NotFound as unknown:
            raise CarrierError(
                "Telnyx has no Call Control application with this connection_id.",
                carrier_code=unknown.carrier_code,
                next_step="Check TELNYX_CONNECTION_ID: the id is under Voice, Programmable Voice in Mission Control.",
            ) from None

    async def change_application(self, connection_id: str, body: Body) -> None:
        await self._ask("PATCH", _application_path(connection_id), body=body)

    def download(self, url: str) -> AsyncIterator[bytes]:
        """A recording: its address holds its own permission, so the API's key stays here."""
        return self._rest.download(url, elsewhere=True)

    async def close(self) -> None:
        await self._rest.close()

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        body: Body | None = None,
        query: Fields = (),
        doubt: str = "",
        timeout_s: float = TIMEOUT_S,
    ) -> bytes:
        """The body of what Telnyx answers when it has done what was asked."""
        request = ApiRequest(
            method=method, path=path, query=query, json=body, repeatable=True, doubt=doubt, timeout_s=timeout_s
        )
        answer = await self._rest.ask(request)
        if answer.status == httpx.codes.NOT_FOUND:
            raise _NotFound.because(refusal(answer.status, answer.body))
        if answer.refused:
            raise refusal(answer.status, answer.body)
        return answer.body


class _NotFound(CarrierError):
    """HTTP 404."""

    @classmethod
    def because(cls, refused: CarrierError) -> _NotFound:
        return cls(refused.message, carrier_code=refused.carrier_code, next_step=refused.next_step)


def _read(decode: Callable[[bytes], _Answer[_Content]], body: bytes) -> _Content:
    try:
        return decode(body).data
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise CarrierError("Telnyx gave an answer that cannot be read.", next_step="Try again.") from None


def _identified(body: Body) -> Body:
    return {**body, "command_id": str(uuid.uuid4())}


def _call_path(carrier_call_id: str) -> str:
    """The id is opaque and may hold anything."""
    return f"/calls/{quote(carrier_call_id, safe='')}"


def _application_path(connection_id: str) -> str:
    return f"/call_control_applications/{quote(connection_id, safe='')}"
