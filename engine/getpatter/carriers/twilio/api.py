"""Twilio's REST API, as much of it as telephone calls need: https://www.twilio.com/docs/voice/api"""

from __future__ import annotations

import random
import re
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, TypeGuard

from getpatter.carriers.rest import PLACED, TIMEOUT_S, ApiRequest, ApiResponse, Fields, RestClient, in_doubt
from getpatter.carriers.twilio.account import Twilio
from getpatter.carriers.twilio.refusals import refusal
from getpatter.clock import Clock
from getpatter.errors import CarrierError

DIAL_TIMEOUT_S: Final = 20.0
FETCH_TIMEOUT_S: Final = 5.0

_SID: Final = re.compile("[A-Z]{2}[0-9a-fA-F]{32}")

Resource = dict[str, Any]
"""What the API says of a call, a number, an account: JSON in snake_case, most values strings."""


class TwilioApi:
    """Each request raises `CarrierError` when Twilio refuses it or does not answer in time."""

    def __init__(self, account: Twilio, *, clock: Clock | None = None, jitter: Callable[[], float] = random.random):
        self._rest = RestClient(
            "Twilio", account.api_url, auth=(account.account_sid, account.auth_token), clock=clock, jitter=jitter
        )
        self._account = f"/2010-04-01/Accounts/{account.account_sid}"

    async def create_call(self, form: Fields) -> str:
        """The call's SID.  Asked once, whatever happens: Twilio would place a second call."""
        call = await self._ask("POST", "/Calls.json", form=form, doubt=PLACED, timeout_s=DIAL_TIMEOUT_S)
        if not _is_sid(sid := call.get("sid"), "CA"):
            raise in_doubt("Twilio", "did not say how it calls the call", PLACED)
        return sid

    async def update_call(self, call_sid: str, form: Fields, *, repeatable: bool = False) -> Resource:
        return await self._ask("POST", f"/Calls/{_checked(call_sid)}.json", form=form, repeatable=repeatable)

    async def fetch_call(self, call_sid: str) -> Resource:
        return await self._ask("GET", f"/Calls/{_checked(call_sid)}.json", repeatable=True, timeout_s=FETCH_TIMEOUT_S)

    async def start_recording(self, call_sid: str, form: Fields) -> Resource:
        return await self._ask("POST", f"/Calls/{_checked(call_sid)}/Recordings.json", form=form)

    def download(self, url: str) -> AsyncIterator[bytes]:
        return self._rest.download(url)

    async def fetch_account(self) -> Resource:
        return await self._ask("GET", ".json", repeatable=True)

    async def find_number(self, number: str) -> Resource | None:
        """A number of the account; None for one that is not the account's."""
        found = await self._ask("GET", "/IncomingPhoneNumbers.json", query=(("PhoneNumber", number),), repeatable=True)
        numbers = found.get("incoming_phone_numbers")
        # Twilio looks for numbers that contain what it is asked for.
        matches = [one for one in numbers or () if isinstance(one, dict) and one.get("phone_number") == number]
        return matches[0] if matches else None

    async def update_number(self, number: Resource, form: Fields) -> Resource:
        sid = _checked(number.get("sid"), "PN")
        return await self._ask("POST", f"/IncomingPhoneNumbers/{sid}.json", form=form, repeatable=True)

    async def close(self) -> None:
        await self._rest.close()

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        query: Fields = (),
        form: Fields | None = None,
        repeatable: bool = False,
        doubt: str = "",
        timeout_s: float = TIMEOUT_S,
    ) -> Resource:
        request = ApiRequest(
            method=method,
            path=self._account + path,
            query=query,
            form=form,
            repeatable=repeatable,
            doubt=doubt,
            timeout_s=timeout_s,
        )
        return _taken(await self._rest.ask(request))


def _taken(answer: ApiResponse) -> Resource:
    if answer.refused:
        raise refusal(answer)
    if not (resource := answer.fields()):
        raise CarrierError("Twilio's answer is no JSON object.", next_step="Look whether api_url is Twilio's API.")
    return resource


def _checked(sid: object, prefix: str = "CA") -> str:
    """Names of resources become parts of paths."""
    if not _is_sid(sid, prefix):
        raise CarrierError(f"This is no name that Twilio gives: those are {prefix} and 32 hexadecimal digits.")
    return sid


def _is_sid(sid: object, prefix: str) -> TypeGuard[str]:
    return isinstance(sid, str) and sid.startswith(prefix) and _SID.fullmatch(sid) is not None
