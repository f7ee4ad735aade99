"""Any model that the library LiteLLM can reach, in this process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from importlib import import_module, util
from typing import Any, ClassVar, Final, Protocol, Unpack

import httpx
from pydantic import SecretStr

from getpatter.clock import Patience, SystemClock
from getpatter.connections.facts import Facts
from getpatter.connections.sse import ServerSentEvent
from getpatter.connections.vendor import Vendor
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.llm.base import Message, ReplyPart, ToolSpec
from getpatter.llm.chat_completions import ChatCompletions
from getpatter.llm.dialect import MAX_WRITTEN, StreamError
from getpatter.llm.estimate import Estimate
from getpatter.llm.faults import ModelFaults
from getpatter.llm.options import SECRET_LENGTH, Chosen, Options
from getpatter.llm.partial import telling_what_was_said
from getpatter.llm.presets import OPENAI
from getpatter.llm.products import exact
from getpatter.metering import Used

LITELLM: Final = Vendor("the model's vendor", "its variable", id="litellm")
MODEL: Final = "gpt-6-luna"

_NEXT: Final = object()


class _Chunk(Protocol):
    def model_dump_json(self) -> str: ...


class LiteLLMLLM:
    """A model by LiteLLM's name of it, e.g. `bedrock/anthropic.claude-haiku-4-5`.  For a proxy see `LiteLLMProxyLLM`.

    The library finds keys itself, in the environment alone; `api_key` and `base_url` go before what it finds.  It is
    the optional extra `litellm`, and is loaded, in a thread, when a call first needs it.  It is told to
    use the list of prices that it ships, where it would fetch one from the network as it is loaded, to print nothing,
    and not to try again by itself: the pause is a silence on the line, in which `FallbackLLM` would ask another model.

    Raises `ConfigurationError` where the library is not installed.
    """

    FACTS: ClassVar = Facts(
        vendor="LiteLLM",
        billed_as="openai",
        vendors={"gemini": "google"},
        transport="the library's own",
        models=(MODEL,),
        features=("tools", "cancel", "cached tokens", "keys as LiteLLM finds them"),
        billing="tokens",
        tested_with="litellm",
    )

    scripted = False

    def __init__(
        self, model: str = MODEL, api_key: SecretStr | str = "", *, base_url: str = "", **options: Unpack[Options]
    ) -> None:
        if util.find_spec("litellm") is None:
            raise ConfigurationError(
                "LiteLLM is not installed.", next_step="Install the extra: pip install 'patter-mcp[litellm]'."
            )
        chosen = Chosen(**options)
        key = api_key if isinstance(api_key, SecretStr) else SecretStr(api_key)
        product = self.FACTS.product(model)
        self._chat = ChatCompletions(url=base_url, product=product, key=key, options=chosen, efforts=OPENAI.efforts)
        self._model = model
        vendor = LITELLM if base_url else replace(LITELLM, id=product.vendor)
        secrets = (key, *chosen.secrets, *_found())
        self._faults = ModelFaults(f"{model} by LiteLLM", product.model, vendor, secrets, chosen.set_by)
        self._waits = (chosen.timeout_s, chosen.idle_timeout_s)
        self._clock = chosen.clock or SystemClock()
        self._complete: Callable[..., Any] | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    @property
    def name(self) -> str:
        return self._faults.name

    def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> AsyncGenerator[ReplyPart]:
        """See `LanguageModel.reply`.  Raises `PartialReply` where it breaks off after words were given."""
        return telling_what_was_said(self._answer(messages, tools))

    async def warm(self) -> None:
        """Load the library, which takes seconds."""
        await self._library()

    async def close(self) -> None:
        """The library keeps its own connections."""

    async def _answer(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> AsyncGenerator[ReplyPart]:
        first_s, next_s = self._waits
        patience, estimate, told, served = Patience(self._clock), Estimate(messages, tools), False, ""
        stream: Any = None
        try:
            complete = await self._library()
            patience.until(self._clock.now() + first_s)
            stream = await self._given(patience, complete(**self._request(messages, tools)))
            reply, chunks = self._chat.assembler(), aiter(stream)
            while (chunk := await self._given(patience, anext(chunks, _NEXT))) is not _NEXT:
                before, served = reply.written, _served_as(chunk) or served
                for part in self._parts(reply.feed, chunk):
                    estimate.take(part)
                    yield part
                if reply.written > before:
                    patience.until(self._clock.now() + next_s)
                if reply.written > MAX_WRITTEN:
                    raise self._faults.broke_off(f"a reply of more than {MAX_WRITTEN} characters")
            for part in reply.close():
                if not isinstance(part, Used):
                    yield part
                elif _vendor_told_usage(stream):
                    told = True
                    yield replace(part, product=exact(part.product, served))
            if not told:
                yield estimate.used(self._chat.product)
        finally:
            patience.close()
            await _close(stream)

    async def _library(self) -> Callable[..., Any]:
        if self._complete is None:
            self._complete = await asyncio.to_thread(_load)
        return self._complete

    def _request(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> dict[str, Any]:
        key, url = self._chat.key.get_secret_value(), self._chat.url
        given = {"api_key": key, "api_base": url, "extra_headers": dict(self._chat.options.extra_headers)}
        return {
            "max_retries": 0,
            **self._chat.body(messages, tools),
            "model": self._model,
            **{name: value for name, value in given.items() if value},
        }

    def _parts(self, feed: Callable[[ServerSentEvent], list[ReplyPart]], chunk: _Chunk) -> list[ReplyPart]:
        try:
            return feed(ServerSentEvent("message", chunk.model_dump_json()))
        except StreamError as error:
            raise self._faults.failed(f"failed while answering: {error}", retryable=error.retryable) from None

    async def _given(self, patience: Patience, coming: Awaitable[Any]) -> Any:
        """What the library gives; raises `ProviderError` for whatever goes wrong in it."""
        try:
            return await patience.wait(coming)
        except TimeoutError:
            raise self._faults.late() from None
        except Exception as error:  # noqa: BLE001 -- its errors come of a dozen vendors and have no common root
            raise self._translated(error) from None

    def _translated(self, error: Exception) -> ProviderError:
        """Its errors are those of OpenAI's client: with a status, 500 where none came, and the answer's headers."""
        for cause in _causes(error):
            if isinstance(cause, httpx.ConnectError):
                return self._faults.unreachable(cause)
        status, words = getattr(error, "status_code", None), getattr(error, "message", "")
        if not isinstance(status, int):
            return self._faults.failed(f"failed: {type(error).__name__}")
        return self._faults.refused(status, str(words).encode(), getattr(error, "litellm_response_headers", None))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _served_as(chunk: _Chunk) -> str:
    """The model's name as the vendor gives it: the chunk itself has the one that was asked for."""
    hidden = getattr(chunk, "_hidden_params", None) or {}
    return str(hidden.get("provider_response_model") or "")


def _vendor_told_usage(stream: Any) -> bool:
    """The library ends every stream with usage, and counts by itself where the vendor tells none.  What came of the
    vendor it keeps in `chunks`."""
    return any(getattr(chunk, "usage", None) is not None for chunk in getattr(stream, "chunks", ()))


def _found() -> list[SecretStr]:
    """The keys among which the library looks for its own."""
    keys = [value for name, value in os.environ.items() if name.endswith("_API_KEY")]
    return [SecretStr(key) for key in keys if len(key) >= SECRET_LENGTH]


def _load() -> Callable[..., Any]:
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    module: Any = import_module("litellm")
    # Standard output is where an assistant's host reads, and the library writes advice there.
    module.suppress_debug_info = True
    found: Callable[..., Any] = module.acompletion
    return found


async def _close(stream: Any) -> None:
    """Stop what is still to come."""
    close = getattr(stream, "aclose", None)
    if close is not None:
        await close()
