"""Any server that speaks OpenAI's chat completions: OpenAI itself, vLLM, llama.cpp, Ollama, LM Studio and many more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import ClassVar, Final, Self, Unpack
from urllib.parse import urlsplit

from pydantic import SecretStr

from getpatter.connections.facts import Facts
from getpatter.connections.vendor import Vendor, host_of
from getpatter.errors import ConfigurationError
from getpatter.llm.base import CallContext
from getpatter.llm.chat_completions import ChatCompletions
from getpatter.llm.faults import ModelFaults, SetBy
from getpatter.llm.http import HttpLLM
from getpatter.llm.options import Chosen, Options
from getpatter.llm.session import Session, SessionRule
from getpatter.metering import Product

ANY_SERVER: Final = Vendor("this server", "`api_key`", id="")
NO_SESSION: Final = SessionRule()


class OpenAICompatibleLLM(HttpLLM):
    """One model on one server.

    `base_url` is the API's base, e.g. `http://127.0.0.1:8080/v1`; the path of the endpoint itself may stand behind it.
    For a vendor that has a class of its own, take that: it knows what the vendor's models refuse.
    `api_key` may be empty.  `vendor` is for errors and prices; without it the server's host stands for it.
    `session` is what a server that keeps sessions is told of each call; `limit_field` what it calls the longest reply
    (`ChatCompletions.limit_field`), and `efforts` how much models think where no `reasoning_effort` is given; with
    `strict_tools` the server is asked to hold models to the schemas of strict tools.

    Raises `ConfigurationError`.
    """

    FACTS: ClassVar = Facts(
        vendor="any OpenAI-compatible server",
        transport="HTTP event stream",
        features=("tools", "cancel", "cached tokens", "session headers"),
        billing="tokens",
        tested_with="openai",
    )

    def __init__(
        self,
        base_url: str,
        model: str,
        api_key: SecretStr | str = "",
        *,
        vendor: Vendor = ANY_SERVER,
        session: SessionRule = NO_SESSION,
        limit_field: str = "max_tokens",
        efforts: Mapping[str, str] = MappingProxyType({}),
        strict_tools: bool = False,
        **options: Unpack[Options],
    ) -> None:
        chosen = Chosen(**options)
        url = _base(base_url, chosen.set_by, vendor.key_variable)
        key = _clean_key(api_key, vendor)
        if not model:
            raise ConfigurationError("A language model needs the name of a model.", next_step=_name_one(chosen.set_by))
        billed_as = host_of(url) if vendor is ANY_SERVER else vendor.billed_as
        self._chat = ChatCompletions(
            url=url,
            product=Product(billed_as, model),
            key=key,
            options=chosen,
            limit_field=limit_field,
            efforts=efforts,
            strict_tools=strict_tools,
        )
        self._vendor = vendor
        self._session = session
        super().__init__(
            self._chat,
            self._faults_of(self._chat),
            timeout_s=chosen.timeout_s,
            idle_timeout_s=chosen.idle_timeout_s,
            clock=chosen.clock,
        )

    def with_model(self, model: str) -> Self:
        """The same with another model, over the same connections."""
        chat = replace(self._chat, product=replace(self._chat.product, model=model))
        return self._speaking(chat)

    def for_call(self, call: CallContext) -> Self:
        """See `llm.base.ForCall`."""
        chat = replace(self._chat, session=Session(self._session, call, self._chat.key))
        return self._speaking(chat, in_call=True)

    def _speaking(self, chat: ChatCompletions, *, in_call: bool = False) -> Self:
        other = self._with(chat, self._faults_of(chat), in_call=in_call)
        other._chat = chat
        return other

    def _faults_of(self, chat: ChatCompletions) -> ModelFaults:
        model = chat.product.model
        secrets = (chat.key, *chat.options.secrets)
        return ModelFaults(f"{model} at {host_of(chat.url)}", model, self._vendor, secrets, chat.options.set_by)


def _name_one(set_by: SetBy) -> str:
    return f"Set {set_by.model} to a model that the server has, e.g. gpt-6-luna."


def _clean_key(key: SecretStr | str, vendor: Vendor) -> SecretStr:
    """The key, if there is one, without the line end that comes with it from a file; raises `ConfigurationError`."""
    text = (key.get_secret_value() if isinstance(key, SecretStr) else key).strip()
    return vendor.key(text) if text else SecretStr("")


def _base(url: str, set_by: SetBy, key_set_by: str) -> str:
    """The API's base; raises `ConfigurationError`."""
    url = url.strip()
    example = f"Set {set_by.url} to the API's base URL, e.g. https://api.openai.com/v1 or http://127.0.0.1:11434/v1."
    try:
        parts = urlsplit(url)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        raise ConfigurationError(f"{set_by.url} is no URL.", next_step=example) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not has_port:
        raise ConfigurationError(f"{set_by.url} must begin with http:// or https:// and a host.", next_step=example)
    if parts.username or parts.password or parts.query:
        # Addresses are logged and shown.
        raise ConfigurationError(
            f"{set_by.url} must not hold a password or query.", next_step=f"Put the key in {key_set_by}."
        )
    path = parts.path.rstrip("/").removesuffix("/chat/completions")
    return f"{parts.scheme}://{parts.netloc}{path}"
