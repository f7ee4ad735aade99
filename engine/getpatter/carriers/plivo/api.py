"""Plivo's REST API, as much of it as telephone calls need: https://www.plivo.com/docs/voice/api/overview"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

from getpatter.carriers.plivo.account import Plivo
from getpatter.carriers.plivo.refusals import NOT_FOUND, refusal
from getpatter.carriers.rest import PLACED, TIMEOUT_S, ApiRequest, Fields, RestClient, in_doubt
from getpatter.clock import Clock
from getpatter.errors import CarrierError

DIAL_TIMEOUT_S: Final = 20.0
REDIRECT_TIMEOUT_S: Final = 7.0
STOP_TIMEOUT_S: Final = 2.0
"""Together with the one before less than the caller's patience: they hear nothing meanwhile."""

Resource = dict[str, Any]
"""What the API says of a call, a number, an account: JSON in snake_case."""


class PlivoApi:
    """Each request raises `CarrierError` when Plivo refuses it or does not answer in time."""

    def __init__(
        self, account: Plivo, *, clock: Clock | None = None, jitter: Callable[[], float] = random.random
    ) -> None:
        auth = (account.auth_id, account.auth_token)
        self._rest = RestClient("Plivo", account.api_url, auth=auth, clock=clock, jitter=jitter)
        self._account = f"/Account/{quote(account.auth_id, safe='')}/"

    # -- calls

    async def create_call(self, body: Mapping[str, Any]) -> str:
        """The request's id, by which Plivo knows the call.  Asked once, whatever happens: Plivo would call twice."""
        taken = await self._ask("POST", "Call/", body=body, doubt=PLACED, timeout_s=DIAL_TIMEOUT_S)
        request_id = taken.get("request_uuid")
        if not isinstance(request_id, str) or not request_id:
            raise in_doubt("Plivo", "took the call without saying how it is named", PLACED)
        return request_id

    async def redirect(self, call_id: str, document_url: str) -> None:
        """Have the call go on with another document.  Asked once: what it has begun would begin again."""
        body = {"legs": "aleg", "aleg_url": document_url, "aleg_method": "POST"}
        await self._ask("POST", _path("Call", call_id), body=body, timeout_s=REDIRECT_TIMEOUT_S)

    async def stop_streams(self, call_id: str) -> None:
        await self._delete(_path("Call", call_id, "Stream"), timeout_s=STOP_TIMEOUT_S)

    async def hang_up(self, call_id: str) -> None:
        """End a call, or take back the request for one that does not ring yet.  What is over already is no error."""
        if not await self._delete(_path("Call", call_id)):
            await self._delete(_path("Request", call_id))

    async def record(self, call_id: str, body: Mapping[str, Any]) -> None:
        await self._ask("POST", _path("Call", call_id, "Record"), body=body)

    async def ended_call(self, call_id: str) -> Resource | None:
        """The call's record, which Plivo writes when it is over."""
        return await self._found(_path("Call", call_id))

    async def live_call(self, call_id: str) -> Resource | None:
        return await self._found(_path("Call", call_id), query=(("status", "live"),))

    async def queued_call(self, call_id: str) -> Resource | None:
        return await self._found(_path("Call", call_id), query=(("status", "queued"),))

    def download(self, url: str) -> AsyncIterator[bytes]:
        """A recording: they lie on storage that is not the API's, which must not see its credentials."""
        return self._rest.download(url, elsewhere=True)

    # -- numbers and the account

    async def account(self) -> Resource:
        return await self._ask("GET", "", repeatable=True)

    async def number(self, digits: str) -> Resource | None:
        """A number of the account, by its digits alone; None for one that is not the account's."""
        return await self._found(_path("Number", digits))

    async def point_number(self, digits: str, application_id: str) -> None:
        await self._ask("POST", _path("Number", digits), body={"app_id": application_id}, repeatable=True)

    async def application(self, application_id: str) -> Resource | None:
        return await self._found(_path("Application", application_id))

    async def find_application(self, name: str) -> str:
        """The id of the application of this name; empty where there is none."""
        found = await self._ask("GET", "Application/", query=(("app_name", name), ("limit", "20")), repeatable=True)
        # Plivo looks for names that contain what it is asked for.
        same = [one for one in found.get("objects") or () if isinstance(one, dict) and one.get("app_name") == name]
        return str(same[0].get("app_id", "")) if same else ""

    async def create_application(self, body: Mapping[str, Any]) -> str:
        created = await self._ask("POST", "Application/", body=body)
        if not created.get("app_id"):
            raise CarrierError("Plivo made an application without saying how it is named.", next_step="Try again.")
        return str(created["app_id"])

    async def update_application(self, application_id: str, body: Mapping[str, Any]) -> None:
        await self._ask("POST", _path("Application", application_id), body=body, repeatable=True)

    async def close(self) -> None:
        await self._rest.close()

    async def _found(self, path: str, *, query: Fields = ()) -> Resource | None:
        try:
            return await self._ask("GET", path, query=query, repeatable=True)
        except CarrierError as refused:
            if refused.carrier_code != NOT_FOUND:
                raise
            return None

    async def _delete(self, path: str, *, timeout_s: float = TIMEOUT_S) -> bool:
        """Whether there was something to delete."""
        try:
            await self._ask("DELETE", path, repeatable=True, timeout_s=timeout_s)
        except CarrierError as refused:
            if refused.carrier_code != NOT_FOUND:
                raise
            return False
        return True

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        query: Fields = (),
        body: Mapping[str, Any] | None = None,
        repeatable: bool = False,
        doubt: str = "",
        timeout_s: float = TIMEOUT_S,
    ) -> Resource:
        request = ApiRequest(
            method=method,
            path=self._account + path,
            query=query,
            json=body,
            repeatable=repeatable,
            doubt=doubt,
            timeout_s=timeout_s,
        )
        answer = await self._rest.ask(request)
        if answer.refused:
            raise refusal(answer)
        return answer.fields()


def _path(*parts: str) -> str:
    """Plivo's paths end in a slash."""
    return "".join(f"{quote(part, safe='')}/" for part in parts)
