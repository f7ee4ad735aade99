"""Any model that the library LiteLLM can reach, in this process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from importlib import import_module, util
from typing import Any, ClassVar, Final, Protocol, Unpack

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
from getpatter.llm.options import Chosen, Options
from getpatter.llm.partial import telling_what_was_said
from getpatter.metering import Product, Used

LITELLM: Final = Vendor("the model's vendor", "its variable", id="litellm")
MODEL: Final = "gpt-4o-mini"

_NEXT: Final = object()


class _Chunk(Protocol):
    def model_dump_json(self) -> str: ...


class LiteLLMLLM:
    """A model by LiteLLM's name of it, e.g. `bedrock/anthropic.claude-haiku-4-5`.  For a proxy see `LiteLLMProxyLLM`.

    The library finds keys itself, in the environment alone; `api_key` and `base_url` go before what it finds.  It is
    the optional extra `litellm`, and is loaded, in a thread, when a call first needs it.  It is told to
    use the list of prices that it ships, where it would fetch one from the network as it is loaded.

    Raises `ConfigurationError` where the library is not installed.
    """

    FACTS: ClassVar = Facts(
        vendor="LiteLLM",
        transport="the library's own",
        models=(MODEL,),
        features=("tools", "cancel", "cached tokens", "keys as LiteLLM finds them"),
        billing="tokens",
        unconfirmed=(
            "its tests are skipped where the library, which clashes with the other vendors' clients, is missing",
        ),
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
        self._chat = ChatCompletions(url=base_url, product=_product(model), key=key, options=chosen)
        self._model = model
        self._faults = ModelFaults(f"{model} by LiteLLM", model, LITELLM, (key, *chosen.secrets), chosen.set_by)
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
        patience, estimate, told = Patience(self._clock), Estimate(messages, tools), False
        patience.until(self._clock.now() + first_s)
        stream: Any = None
        try:
            complete = await self._library()
            stream = await self._given(patience, complete(**self._request(messages, tools)))
            reply, chunks = self._chat.assembler(), aiter(stream)
            while (chunk := await self._given(patience, anext(chunks, _NEXT))) is not _NEXT:
                before = reply.written
                for part in self._parts(reply.feed, chunk):
                    estimate.take(part)
                    yield part
                if reply.written > before:
                    patience.until(self._clock.now() + next_s)
                if reply.written > MAX_WRITTEN:
                    raise self._faults.broke_off(f"a reply of more than {MAX_WRITTEN} characters")
            for part in reply.close():
                told = told or isinstance(part, Used)
                yield part
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
        """Its errors are those of OpenAI's client: with a status and a response, where there was one."""
        status, words = getattr(error, "status_code", None), getattr(error, "message", "")
        if not isinstance(status, int):
            return self._faults.failed(f"failed: {type(error).__name__}")
        headers = getattr(getattr(error, "response", None), "headers", None)
        return self._faults.refused(status, str(words).encode(), headers)


def _product(model: str) -> Product:
    """LiteLLM writes models as `vendor/model`, but for OpenAI's."""
    vendor, slash, name = model.partition("/")
    return Product(vendor, name) if slash else Product("openai", model)


def _load() -> Callable[..., Any]:
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    module = import_module("litellm")
    found: Callable[..., Any] = module.acompletion
    return found


async def _close(stream: Any) -> None:
    """Stop what is still to come."""
    close = getattr(stream, "aclose", None)
    if close is not None:
        await close()
