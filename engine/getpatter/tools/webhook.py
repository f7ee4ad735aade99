"""Tools that live elsewhere: one POST for one call of a tool."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Mapping
from typing import Any

import httpx2
import msgspec
from pydantic import SecretStr

from getpatter.errors import ToolError
from getpatter.tools.context import ToolContext
from getpatter.tools.ssrf import AddressGuard, GuardedTransport, checked_url

SIGNATURE_HEADER = "X-Patter-Signature"
IDEMPOTENCY_HEADER = "Idempotency-Key"
"""One value a call of a tool, new each time: a receiver that sees it twice has the same request twice."""
MAX_REPLY = 1_000_000
"""Bytes."""
MAX_WORDS = 1000
"""Bytes of a refusal that the model is told."""
CONNECT_TIMEOUT_S = 5.0


class WebhookClient:
    """Posts to tools' webhooks, for any number of calls at once, over shared connections.

    With a `secret` each body is signed: the header holds the hex HMAC-SHA256 of it.  Nothing is sent twice, and
    redirects are not followed.  How long an answer may take is up to the caller.
    """

    def __init__(self, *, secret: SecretStr | str = "", guard: AddressGuard | None = None) -> None:
        self._secret = secret if isinstance(secret, SecretStr) else SecretStr(secret)
        # Made here and not when a call first needs it: reading certificates takes some 70 ms.
        self._client = httpx2.AsyncClient(
            transport=GuardedTransport(guard or AddressGuard()),
            timeout=httpx2.Timeout(None, connect=CONNECT_TIMEOUT_S),
            trust_env=False,
        )

    async def post(self, url: str, tool: str, arguments: Mapping[str, Any], context: ToolContext) -> str:
        """The reply's text.  Raises `ToolError`, or `ConfigurationError` for an address that may not be reached."""
        body = msgspec.json.encode(
            {
                "tool": tool,
                "arguments": arguments,
                "call_id": context.call_id,
                "caller": context.caller,
                "callee": context.callee,
            }
        )
        request = self._client.build_request("POST", checked_url(url), content=body, headers=self._headers(body))
        try:
            response = await self._client.send(request, stream=True, follow_redirects=False)
            try:
                return await _reply(response)
            finally:
                await response.aclose()
        except (httpx2.ConnectError, httpx2.ConnectTimeout):
            raise ToolError("The service cannot be reached. Nothing was done.") from None
        except httpx2.HTTPError:
            raise ToolError("The connection to the service broke. It may or may not have done it.") from None

    async def close(self) -> None:
        """Close the connections; `post` cannot be used any more."""
        await self._client.aclose()

    def _headers(self, body: bytes) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            # A compressed reply could be far larger than it looks.
            "Accept-Encoding": "identity",
            IDEMPOTENCY_HEADER: uuid.uuid4().hex,
        }
        secret = self._secret.get_secret_value()
        return headers | ({SIGNATURE_HEADER: signature(secret, body)} if secret else {})


def signature(secret: str, body: bytes) -> str:
    """The value of the signature header: hex HMAC-SHA256 of the body."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


async def _reply(response: httpx2.Response) -> str:
    if response.is_redirect:
        raise ToolError("The service redirects elsewhere, which is not followed. Nothing was done.")
    if response.headers.get("content-encoding", "identity") not in ("", "identity"):
        raise ToolError("The service answered in a form that cannot be read.")
    if not response.is_success:
        words = (await _body(response, MAX_WORDS))[:MAX_WORDS].decode(errors="replace").strip()
        raise ToolError(f"The service answered with HTTP {response.status_code}" + (f": {words}" if words else "."))
    body = await _body(response, MAX_REPLY)
    if len(body) > MAX_REPLY:
        raise ToolError(f"The service did it, but answered with more than {MAX_REPLY} bytes, which are not read.")
    return body.decode(errors="replace")


async def _body(response: httpx2.Response, limit: int) -> bytes:
    """The body, or a little more than `limit` bytes of it."""
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > limit:
            break
    return bytes(body)
