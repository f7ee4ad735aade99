"""Vendors and programs whose API is OpenAI's chat completions: what each of them has of its own, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final, Unpack

from pydantic import SecretStr

from getpatter.connections import vendors
from getpatter.connections.facts import Facts
from getpatter.connections.vendor import Vendor
from getpatter.environment import variables
from getpatter.llm.openai_compatible import NO_SESSION, OpenAICompatibleLLM
from getpatter.llm.options import Options
from getpatter.llm.session import SessionRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    vendor: Vendor
    url: str
    """The API's base."""
    model: str = ""
    """Where none is named; empty where one has to be."""
    model_variable: str = ""
    """A variable of the server's own that names its model."""
    needs_key: bool = True
    limit_field: str = "max_tokens"
    """See `ChatCompletions.limit_field`."""
    efforts: Mapping[str, str] = field(default_factory=dict)
    """See `ChatCompletions.efforts`; the least that each model takes, since callers hear the time."""
    strict_tools: bool = False
    """See `ChatCompletions.strict_tools`."""
    tested_with: str = ""
    unconfirmed: tuple[str, ...] = ()

    @property
    def facts(self) -> Facts:
        return Facts(
            vendor=self.vendor.name,
            key_variable=self.vendor.key_variable,
            transport="HTTP event stream",
            models=(self.model,) if self.model else (),
            features=("tools", "cancel", "cached tokens"),
            billing="tokens" if self.needs_key else "",
            tested_with=self.tested_with,
            unconfirmed=self.unconfirmed,
        )


OPENAI: Final = Preset(
    vendor=vendors.OPENAI,
    url="https://api.openai.com/v1",
    model="gpt-6-luna",
    limit_field="max_completion_tokens",
    # With tools this endpoint refuses any other effort of these models, and their own is `medium`.
    efforts=dict.fromkeys(("gpt-6-luna", "gpt-6-sol", "gpt-5.6-luna", "gpt-5.6-sol", "gpt-5.6-terra"), "none"),
    strict_tools=True,
    tested_with="openai",
    unconfirmed=("Whether gpt-6-luna takes `temperature` and `top_p`.",),
)
GROQ: Final = Preset(
    vendor=Vendor("Groq", "GROQ_API_KEY", "console.groq.com/keys"),
    url="https://api.groq.com/openai/v1",
    model="openai/gpt-oss-120b",
    limit_field="max_completion_tokens",
    efforts={"openai/gpt-oss-120b": "low", "openai/gpt-oss-20b": "low"},
    tested_with="groq",
)
CEREBRAS: Final = Preset(
    vendor=Vendor("Cerebras", "CEREBRAS_API_KEY", "cloud.cerebras.ai"),
    url="https://api.cerebras.ai/v1",
    model="gpt-oss-120b",
    limit_field="max_completion_tokens",
    efforts={"gpt-oss-120b": "low"},
    tested_with="cerebras-cloud-sdk",
)
INWORLD: Final = Preset(
    vendor=vendors.INWORLD,
    url="https://api.inworld.ai/v1",
    unconfirmed=("That a stream tells its usage.",),
)
LITELLM_PROXY: Final = Preset(
    vendor=Vendor("the LiteLLM proxy", "LITELLM_API_KEY", id="litellm"),
    url="http://127.0.0.1:4000/v1",
    needs_key=False,
)
OLLAMA: Final = Preset(
    vendor=Vendor("Ollama", "OLLAMA_API_KEY", id="local"), url="http://127.0.0.1:11434/v1", needs_key=False
)
VLLM: Final = Preset(vendor=Vendor("vLLM", "VLLM_API_KEY", id="local"), url="http://127.0.0.1:8000/v1", needs_key=False)
HERMES: Final = Preset(
    vendor=Vendor("Hermes", "API_SERVER_KEY", id="hermes"),
    url="http://127.0.0.1:8642/v1",
    model="hermes-agent",
    model_variable="API_SERVER_MODEL_NAME",
    needs_key=False,
    unconfirmed=("The header X-Hermes-Session-Key.",),
)
OPENCLAW: Final = Preset(
    vendor=Vendor("OpenClaw", "OPENCLAW_GATEWAY_TOKEN", id="openclaw"),
    url="http://127.0.0.1:18789/v1",
    needs_key=False,
)

PAID: Final = (OPENAI, GROQ, CEREBRAS, INWORLD)
"""Vendors, as against programs of one's own."""
AGENT_TIMEOUT_S: Final = 120.0
"""First words of agents, who use tools of their own before they answer."""


class PresetLLM(OpenAICompatibleLLM):
    """A model of `preset`.

    `api_key` is looked for in the vendor's variable where it is not given, in the environment and in `.env`.
    `base_url` leads elsewhere: to a proxy, or to the user's own server.  Raises `ConfigurationError`.
    """

    preset: ClassVar[Preset]
    FACTS: ClassVar[Facts]

    def __init__(
        self,
        api_key: SecretStr | str = "",
        model: str = "",
        *,
        base_url: str = "",
        session: SessionRule = NO_SESSION,
        **options: Unpack[Options],
    ) -> None:
        preset = self.preset
        known = variables()
        key = preset.vendor.key(api_key) if preset.needs_key else api_key or known.get(preset.vendor.key_variable, "")
        named = model or known.get(preset.model_variable, "") or preset.model
        super().__init__(
            base_url or preset.url,
            named,
            key,
            vendor=preset.vendor,
            session=session,
            limit_field=preset.limit_field,
            efforts=preset.efforts,
            strict_tools=preset.strict_tools,
            **options,
        )


class OpenAILLM(PresetLLM):
    """OpenAI's models."""

    preset = OPENAI
    FACTS = OPENAI.facts


class GroqLLM(PresetLLM):
    """Open models at Groq."""

    preset = GROQ
    FACTS = GROQ.facts


class CerebrasLLM(PresetLLM):
    """Open models at Cerebras."""

    preset = CEREBRAS
    FACTS = CEREBRAS.facts


class InworldLLM(PresetLLM):
    """Inworld's router: `model` names a router of the account (`inworld/<router>`) or a vendor's model."""

    preset = INWORLD
    FACTS = INWORLD.facts


class LiteLLMProxyLLM(PresetLLM):
    """A LiteLLM proxy: `model` is a name from its configuration."""

    preset = LITELLM_PROXY
    FACTS = LITELLM_PROXY.facts


class OllamaLLM(PresetLLM):
    """Ollama on this machine, or at `base_url`."""

    preset = OLLAMA
    FACTS = OLLAMA.facts


class VLLMLLM(PresetLLM):
    """vLLM on this machine, or at `base_url`; where it serves one model, `model` is that one's name."""

    preset = VLLM
    FACTS = VLLM.facts


class HermesLLM(PresetLLM):
    """A Hermes agent's API server, which keeps a session of each call; it uses tools of its own.

    With `remember_callers` it is told a hash of the caller's number, too, by which it remembers people from call to
    call.
    """

    preset = HERMES
    FACTS = HERMES.facts

    def __init__(
        self,
        api_key: SecretStr | str = "",
        model: str = "",
        *,
        base_url: str = "",
        remember_callers: bool = False,
        **options: Unpack[Options],
    ) -> None:
        session = SessionRule(
            id_header="X-Hermes-Session-Id",
            id_prefix="patter-call-",
            key_header="X-Hermes-Session-Key" if remember_callers else "",
            key_from="caller_hash" if remember_callers else "",
        )
        options.setdefault("timeout_s", AGENT_TIMEOUT_S)
        super().__init__(api_key, model, base_url=base_url, session=session, **options)


class OpenClawLLM(PresetLLM):
    """An agent at an OpenClaw gateway, whose endpoint for chat completions has to be enabled there.

    Each call is a session of its own; with `remember_callers` all calls of one number are one, known by a hash.
    """

    preset = OPENCLAW
    FACTS = OPENCLAW.facts

    def __init__(
        self,
        agent: str = "main",
        api_key: SecretStr | str = "",
        *,
        base_url: str = "",
        remember_callers: bool = False,
        **options: Unpack[Options],
    ) -> None:
        header = "x-openclaw-session-key"
        session = (
            SessionRule(key_header=header, key_from="caller_hash")
            if remember_callers
            else SessionRule(id_header=header, id_prefix="patter-call-")
        )
        options.setdefault("timeout_s", AGENT_TIMEOUT_S)
        super().__init__(api_key, f"openclaw/{agent}", base_url=base_url, session=session, **options)
