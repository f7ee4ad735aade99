"""The REST side of a stand-in: routes, what was asked, and faults to order."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

KEPT_REQUESTS = 10_000


class Refused(Exception):
    """The request cannot be done; `code` is the carrier's."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked of the API.  `fields` are those of a form, where a name may have several values, or of JSON."""

    method: str
    path: str
    query: Mapping[str, str]
    fields: Mapping[str, Any]
    headers: Mapping[str, str]

    def text(self, name: str, default: str = "") -> str:
        """The last value of a field."""
        value = self.fields.get(name, default)
        return str(value[-1] if isinstance(value, list) else value)

    def texts(self, name: str) -> list[str]:
        value = self.fields.get(name, [])
        return [str(item) for item in value] if isinstance(value, list) else [str(value)]


@dataclass(frozen=True, slots=True)
class _Fault:
    path: str
    method: str
    refusal: Refused


Handler = Callable[..., Awaitable[Response]]


class Rest:
    """Answers requests by the first route whose method and pattern fit."""

    def __init__(
        self,
        routes: Sequence[tuple[str, str, Handler]],
        *,
        refusal: Callable[[Refused], Any],
        check: Callable[[Asked], None],
    ) -> None:
        """Handlers get what was asked and the pattern's named groups.  `refusal` gives the body that tells of one,
        `check` raises it for a request without the right credentials."""
        self.requests: deque[Asked] = deque(maxlen=KEPT_REQUESTS)
        self._routes = [(method, re.compile(pattern), handler) for method, pattern, handler in routes]
        self._refusal = refusal
        self._check = check
        self._faults: list[_Fault] = []

    def fail_next(self, status: int, *, code: int, message: str, path: str, method: str, times: int) -> None:
        self._faults += [_Fault(path, method, Refused(status, code, message))] * times

    def app(self) -> Starlette:
        methods = ["GET", "POST", "PATCH", "PUT", "DELETE"]
        return Starlette(routes=[Route("/{path:path}", self._answer, methods=methods)])

    async def _answer(self, request: Request) -> Response:
        try:
            asked = await _read(request)
            self.requests.append(asked)
            self._fail(asked)
            self._check(asked)
            for method, pattern, handler in self._routes:
                if method == asked.method and (match := pattern.fullmatch(asked.path)):
                    return await handler(asked, **match.groupdict())
            raise Refused(404, 20404, f"The requested resource {asked.path} was not found")
        except Refused as refused:
            return JSONResponse(self._refusal(refused), refused.status)

    def _fail(self, asked: Asked) -> None:
        for fault in self._faults:
            if fault.path in asked.path and fault.method in ("", asked.method):
                self._faults.remove(fault)
                raise fault.refusal


async def _read(request: Request) -> Asked:
    body = await request.body()
    kind = request.headers.get("content-type", "").partition(";")[0]
    fields: dict[str, Any] = {}
    if kind == "application/json" and body:
        try:
            fields = json.loads(body)
        except ValueError:
            raise Refused(400, 10015, "The body is not JSON") from None
        if not isinstance(fields, dict):
            raise Refused(400, 10015, "The body is not a JSON object")
    elif kind == "application/x-www-form-urlencoded":
        fields = dict(parse_qs(body.decode(), keep_blank_values=True))
    elif body:
        raise Refused(415, 20415, f"A body of {kind or 'no type'} is not taken")
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Asked(request.method, request.url.path, dict(request.query_params), fields, headers)
