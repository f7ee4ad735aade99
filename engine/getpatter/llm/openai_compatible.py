"""Any server that speaks OpenAI's chat completions: OpenAI itself, vLLM, llama.cpp, Ollama, LM Studio and many more."""

from __future__ import annotations

import copy
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import contextmanager

import httpx
from pydantic import SecretStr

from getpatter.clock import Clock, SystemClock, deadline
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.llm.base import Message, ReplyPart, ToolSpec
from getpatter.llm.chat_completions import ReplyAssembler, StreamError, request_body
from getpatter.llm.refusal import MAX_WORDS, Refusal
from getpatter.llm.sse import EventStreamParser, ServerSentEvent

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 5.0
WARM_TIMEOUT_S = 5.0
KEEPALIVE_S = 300.0
"""An idle connection is kept this long: a new one costs a TCP and a TLS handshake of the caller's time."""
LAST_BYTES_S = 0.25
"""How long the end of a finished answer is waited for.  Only an answer read to its end leaves its connection usable."""
MAX_ERROR_BODY = 16384
"""Bytes."""


class OpenAICompatibleLLM:
    """One model on one server, for any number of calls at once, over shared connections.

    `url` is the API's base, e.g. `https://api.openai.com/v1`.  `timeout_s` is the longest wait for the first token,
    `idle_timeout_s` for each later piece of the answer.  The key goes to that server alone: redirects are refused.
    """

    scripted = False

    def __init__(
        self,
        url: str,
        model: str,
        key: SecretStr | str = "",
        *,
        timeout_s: float = 30.0,
        idle_timeout_s: float = 15.0,
        temperature: float | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._endpoint = _endpoint(url)
        self._models = self._endpoint.copy_with(path=self._endpoint.path.removesuffix("/chat/completions") + "/models")
        self._model = model
        self._key = _clean_key(key)
        self._timeout_s = timeout_s
        self._idle_timeout_s = idle_timeout_s
        self._temperature = temperature
        self._clock = clock or SystemClock()
        # Made here and not when a call first needs it: reading certificates takes some 40 ms.
        self._client = _new_client()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    @property
    def name(self) -> str:
        return f"{self._model} at {self._server}"

    def with_model(self, model: str) -> OpenAICompatibleLLM:
        """The same with another model, over the same connections."""
        other = copy.copy(self)
        other._model = model
        return other

    async def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> AsyncGenerator[ReplyPart]:
        """See `LanguageModel.reply`.  Closing the iterator closes the connection, which stops the server's work."""
        give_up = self._clock.now() + self._timeout_s
        with self._translated():
            async with deadline(self._clock, give_up):
                response = await self._post(messages, tools)
            try:
                stream = _Stream(response)
                while not stream.done:
                    async with deadline(self._clock, give_up):
                        parts = await stream.read()
                    for part in parts:
                        yield part
                    if stream.moved:
                        give_up = self._clock.now() + self._idle_timeout_s
                for part in stream.close():
                    yield part
                await stream.drain(self._clock)
            finally:
                await response.aclose()

    async def warm(self) -> None:
        """Have an open connection in the pool.  The answer to a HEAD has no body, and its status does not matter."""
        try:
            async with deadline(self._clock, self._clock.now() + WARM_TIMEOUT_S):
                await self._client.head(self._models, headers=self._headers(), follow_redirects=False)
        except (TimeoutError, httpx.HTTPError) as error:
            log.debug("no connection to %s was opened ahead of a reply: %r", self._server, error)

    async def close(self) -> None:
        """Close the connections; `reply` cannot be used any more."""
        await self._client.aclose()

    @property
    def _server(self) -> str:
        return self._endpoint.netloc.decode("ascii")

    async def _post(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> httpx.Response:
        """The response, whose body is still to come.  Raises `ProviderError` unless it is an answer."""
        body = request_body(self._model, messages, tools, temperature=self._temperature)
        request = self._client.build_request("POST", self._endpoint, json=body, headers=self._headers())
        response = await self._client.send(request, stream=True, follow_redirects=False)
        if response.status_code == httpx.codes.OK and _is_stream(response):
            return response
        try:
            refusal = Refusal(response.status_code, response.headers, await _beginning(response))
        finally:
            await response.aclose()
        raise refusal.as_error(provider=self.name, model=self._model, secret=self._key.get_secret_value())

    def _headers(self) -> dict[str, str]:
        key = self._key.get_secret_value()
        return {"Accept": "text/event-stream"} | ({"Authorization": f"Bearer {key}"} if key else {})

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Failures of transport and stream as `ProviderError`, all of them worth another try."""
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            reason = str(error) or "no connection in time"
            check = "Check that the server runs and that PATTER_LLM_URL is its address."
            raise self._failure(f"cannot be reached: {reason}", check) from error
        except (TimeoutError, httpx.TimeoutException) as error:
            raise self._failure("did not answer in time") from error
        except httpx.HTTPError as error:
            raise self._failure(f"broke off: {str(error) or type(error).__name__}") from error
        except StreamError as error:
            key = self._key.get_secret_value()
            words = str(error).replace(key, "***") if key else str(error)
            raise self._failure(f"failed while answering: {words[:MAX_WORDS]}") from None

    def _failure(self, what: str, next_step: str | None = None) -> ProviderError:
        return ProviderError(f"{self.name} {what}", provider=self.name, retryable=True, next_step=next_step)


class _Stream:
    """The body of one response, read piece by piece."""

    def __init__(self, response: httpx.Response) -> None:
        self._chunks: AsyncIterator[bytes] = response.aiter_bytes()
        self._parser = EventStreamParser()
        self._reply = ReplyAssembler()
        self.moved = False
        """The last piece held events of an answer that has begun, and not only comments that keep the stream alive."""
        self.done = False

    async def read(self) -> list[ReplyPart]:
        """Wait for the next piece; the reply parts that it completes.  Raises `StreamError` for a torn stream."""
        chunk = await anext(self._chunks, None)
        if chunk is None:
            self.done = True
            if not self._reply.finished:
                raise StreamError("the answer ended before it was complete")
            return []
        parts: list[ReplyPart] = []
        events = self._events(chunk)
        for event in events:
            if event.data.strip() == "[DONE]":
                self.done = True
                break
            parts += self._reply.feed(event.data)
        self.moved = bool(events) and self._reply.began
        return parts

    def _events(self, chunk: bytes) -> list[ServerSentEvent]:
        try:
            return self._parser.feed(chunk)
        except ValueError as error:
            raise StreamError(f"it sent {error}") from None

    def close(self) -> list[ReplyPart]:
        return self._reply.close()

    async def drain(self, clock: Clock) -> None:
        """Read what follows the end, which is nothing, so that the connection can serve the next reply."""
        try:
            async with deadline(clock, clock.now() + LAST_BYTES_S):
                while await anext(self._chunks, None) is not None:
                    pass
        except (TimeoutError, httpx.HTTPError) as error:
            log.debug("a finished answer left its connection unusable: %r", error)


def _new_client() -> httpx.AsyncClient:
    return httpx.AsyncClient(
        # The waits of an answer have deadlines of their own.
        timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT_S),
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=KEEPALIVE_S),
    )


def _is_stream(response: httpx.Response) -> bool:
    """Whether the body may be an event stream: pages and plain objects are not."""
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type not in ("text/html", "application/json")


async def _beginning(response: httpx.Response) -> bytes:
    body = b""
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) >= MAX_ERROR_BODY:
            break
    return body[:MAX_ERROR_BODY]


def _clean_key(key: SecretStr | str) -> SecretStr:
    """The key without the line end that comes with it from a file; raises `ConfigurationError`."""
    text = (key.get_secret_value() if isinstance(key, SecretStr) else key).strip()
    if not (text.isascii() and text.isprintable()):
        raise ConfigurationError(
            "PATTER_LLM_KEY holds characters that no key has.", next_step="Copy the key again, without quotes."
        )
    return SecretStr(text)


def _endpoint(url: str) -> httpx.URL:
    """Where to post, of a base URL; raises `ConfigurationError`."""
    example = "Set PATTER_LLM_URL to the API's base URL, e.g. https://api.openai.com/v1 or http://127.0.0.1:11434/v1."
    try:
        base = httpx.URL(url.strip())
    except httpx.InvalidURL as error:
        raise ConfigurationError(f"PATTER_LLM_URL is no URL: {error}.", next_step=example) from None
    if base.scheme not in ("http", "https") or not base.host:
        raise ConfigurationError("PATTER_LLM_URL must begin with http:// or https:// and a host.", next_step=example)
    if base.userinfo or base.query:
        # Addresses are logged and shown.
        raise ConfigurationError(
            "PATTER_LLM_URL must not hold a password or query.", next_step="Put the key in PATTER_LLM_KEY."
        )
    path = base.path.rstrip("/").removesuffix("/chat/completions")
    return base.copy_with(path=f"{path}/chat/completions", fragment=None)
