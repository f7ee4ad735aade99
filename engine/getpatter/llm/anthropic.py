"""Anthropic's models."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Final, Self, Unpack

from pydantic import SecretStr

from getpatter.connections.facts import Facts
from getpatter.connections.vendor import Vendor, host_of, service_url
from getpatter.llm.anthropic_messages import AnthropicMessages
from getpatter.llm.faults import ModelFaults
from getpatter.llm.http import HttpLLM
from getpatter.llm.options import Chosen, Options
from getpatter.metering import Product

URL: Final = "https://api.anthropic.com"
MODEL: Final = "claude-haiku-4-5-20251001"
ANTHROPIC: Final = Vendor("Anthropic", "ANTHROPIC_API_KEY", "console.anthropic.com/settings/keys")


class AnthropicLLM(HttpLLM):
    """A model at Anthropic's Messages API, or at a proxy that speaks it (`base_url`, without `/v1`).

    Tools and system prompt are cached there for five minutes, if they are long enough: from 1,024 to 4,096 tokens on,
    by model.  Replies are limited to 1,024 tokens where `max_tokens` is not given.  Models that think unasked are
    asked for the effort `low`, since callers hear the time, and have 4,096 tokens more; `reasoning_effort`, and
    `thinking` in `extra_body`, say otherwise.  What was thought before a tool was used goes back with its result.  A
    call that another vendor's model made, as after a `FallbackLLM` has switched, has no such thought, and the API may
    refuse it then.

    With `temperature` or `top_p` the API's version 2023-06-01 is asked for, since 2026-10-21 has neither.

    The key is looked for in `ANTHROPIC_API_KEY`, in the environment and in `.env`.  It is sent as a bearer token, as
    the official client does since its version 2; to a proxy that knows `x-api-key` alone, give that in
    `extra_headers`.  Raises `ConfigurationError`.
    """

    FACTS: ClassVar = Facts(
        vendor=ANTHROPIC.name,
        key_variable=ANTHROPIC.key_variable,
        transport="HTTP event stream",
        models=(MODEL,),
        features=("tools", "cancel", "cached tokens", "prompt caching"),
        billing="tokens",
        tested_with="anthropic",
        unconfirmed=(
            "whether what Claude 5.5 writes between calls of tools is text, which is heard, or thought, which is not",
            "how large the schemas of strict tools may be together: reported are requests refused at 13 tools",
        ),
    )

    def __init__(
        self,
        api_key: SecretStr | str = "",
        model: str = MODEL,
        *,
        base_url: str = "",
        **options: Unpack[Options],
    ) -> None:
        chosen = Chosen(**options)
        self._api = AnthropicMessages(
            url=service_url(base_url, URL),
            product=Product(ANTHROPIC.billed_as, model or MODEL),
            key=ANTHROPIC.key(api_key),
            options=chosen,
        )
        super().__init__(
            self._api,
            _faults(self._api),
            timeout_s=chosen.timeout_s,
            idle_timeout_s=chosen.idle_timeout_s,
            clock=chosen.clock,
        )

    def with_model(self, model: str) -> Self:
        """The same with another model, over the same connections."""
        api = replace(self._api, product=replace(self._api.product, model=model))
        other = self._with(api, _faults(api))
        other._api = api
        return other


def _faults(api: AnthropicMessages) -> ModelFaults:
    model, secrets = api.product.model, (api.key, *api.options.secrets)
    return ModelFaults(f"{model} at {host_of(api.url)}", model, ANTHROPIC, secrets, api.options.set_by)
