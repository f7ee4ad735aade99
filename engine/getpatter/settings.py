"""Settings and where they come from.

First match wins: arguments, environment, `.env` in the working directory, `config.toml` in `PATTER_HOME`, defaults.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import AliasChoices, BeforeValidator, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from getpatter.errors import ConfigurationError
from getpatter.public_url import with_scheme

SIMULATED_NUMBER = "+12025550199"
"""Ours on the simulated network; nobody has it (the North American plan keeps 555-0100 to 0199 for fiction)."""


def default_home() -> Path:
    """Where the store, recordings and the engine's token live when `PATTER_HOME` is not set."""
    return Path(platformdirs.user_data_dir("patter", appauthor=False))


class Settings(BaseSettings):
    """Environment names are the field names in capitals behind `PATTER_`, except `DATABASE_URL`."""

    model_config = SettingsConfigDict(env_prefix="PATTER_", env_file=".env", extra="ignore", populate_by_name=True)

    home: Path = Field(default_factory=default_home)
    host: str = "127.0.0.1"
    """Address of the private listener: control API, dashboard, MCP.  Keep it on loopback."""
    port: int = Field(8000, ge=0, le=65535)
    carrier_host: str = "127.0.0.1"
    """Address of the carrier listener: webhooks and media sockets, nothing else."""
    carrier_port: int = Field(8080, ge=0, le=65535)
    public_url: Annotated[str, BeforeValidator(with_scheme)] = ""
    """What carriers reach the carrier listener by, e.g. https://phone.example.org; with `tunnel` ngrok the host name
    that is reserved there."""
    trusted_proxies: str = ""
    """Addresses and networks of proxies before the carrier listener, separated by commas: who a request comes from is
    taken from what these say.  Never where it was sent to, by which signatures are verified."""
    tunnel: Annotated[Literal["", "cloudflare", "ngrok"], BeforeValidator(str.lower)] = ""
    """Opened at the engine's start, for a machine that has no public URL."""
    carrier: Annotated[str, BeforeValidator(str.lower)] = "sim"
    """`sim`, the simulated network, or the name of a real one."""
    phone_number: Annotated[str, BeforeValidator(str.strip)] = SIMULATED_NUMBER
    """E.164.  With a real carrier it is also taken from `<CARRIER>_PHONE_NUMBER`, e.g. `TWILIO_PHONE_NUMBER`."""
    manage_webhook: bool = True
    """Point the number at us when incoming calls are to be answered, and when the tunnel moves."""
    allow: str = ""
    """Numbers and prefixes (ending in *) that real carriers may dial, separated by commas."""
    transfer_to: str = ""
    """Numbers and prefixes (ending in *) to which the agent may transfer calls, separated by commas."""
    database_url: str = Field("", validation_alias=AliasChoices("DATABASE_URL", "database_url"))
    llm: str = ""
    """Vendor and model, e.g. openai/gpt-6-luna; the key is looked for in the vendor's own variable."""
    llm_url: str = ""
    """Base URL of an OpenAI-compatible API, e.g. http://127.0.0.1:11434/v1"""
    llm_model: str = ""
    llm_key: SecretStr = SecretStr("")
    stt: str = ""
    """Recogniser, e.g. deepgram/nova-3; empty is PocketSphinx on this machine."""
    tts: str = ""
    """Whose voice speaks, e.g. elevenlabs; empty is the best that is installed on this machine."""
    voice: str = ""
    """Name of a voice of whoever speaks; empty is their own choice."""
    engine: str = ""
    """One engine that hears, thinks and speaks, e.g. openai/gpt-realtime-2.1, in place of the three."""
    language: str = "en-US"
    max_calls: int = Field(100, ge=1)
    """Live calls at once; more are refused."""
    max_call_s: float = Field(600.0, gt=0)
    ring_timeout_s: float = Field(25.0, gt=0)
    machine_detection: bool = True
    """Have the carrier tell answering machines, too, which most charge for; what the agent hears is judged anyway."""
    vad_stop_s: float = Field(0.5, gt=0)
    record: bool = True
    recordings_dir: str = ""
    """Where our recordings are written; empty is `recordings` in the home."""
    carrier_recording: bool = False
    """Have the carrier record, too, which most charge for."""
    drain_s: float = Field(30.0, ge=0)
    """How long a stopping engine lets live calls go on before it says goodbye for them."""
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(str.upper)] = "INFO"

    pricing: str | dict[str, Any] = ""
    """What providers and carriers charge, where it is not what the built-in list says: a TOML or JSON file, or the JSON
    itself (`pricing.overrides`)."""

    otel_enabled: bool = False
    """Whether calls are traced and the spans exported by OTLP, as the variables `OTEL_*` say."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        home = Path(
            init_settings().get("home") or env_settings().get("home") or dotenv_settings().get("home") or default_home()
        )
        toml = TomlConfigSettingsSource(settings_cls, home.expanduser() / "config.toml")
        written = [
            source.env_vars for source in (env_settings, dotenv_settings) if isinstance(source, EnvSettingsSource)
        ]
        return init_settings, env_settings, dotenv_settings, toml, _CarriersNumber(settings_cls, written)

    def model_post_init(self, context: Any) -> None:
        self.home = self.home.expanduser().absolute()

    @property
    def database(self) -> str:
        """An async SQLAlchemy URL: `DATABASE_URL`, or a SQLite file in `home`."""
        url = self.database_url
        if not url:
            return f"sqlite+aiosqlite:///{self.home / 'calls.db'}"
        for plain, driver in (("postgresql://", "postgresql+asyncpg://"), ("postgres://", "postgresql+asyncpg://")):
            if url.startswith(plain):
                return driver + url.removeprefix(plain)
        return url.replace("sqlite://", "sqlite+aiosqlite://", 1) if url.startswith("sqlite://") else url

    @property
    def recordings(self) -> Path:
        return Path(self.recordings_dir).expanduser().absolute() if self.recordings_dir else self.home / "recordings"

    @property
    def parties(self) -> Path:
        """Where a user's own simulated parties lie, as YAML."""
        return self.home / "parties"


class _CarriersNumber(PydanticBaseSettingsSource):
    """`phone_number`, as carriers' own examples name it, of the carrier that the other sources name.

    The last source, so that any other wins; it looks where `PATTER_PHONE_NUMBER` may stand, too.
    """

    def __init__(self, settings_cls: type[BaseSettings], variables: Sequence[Mapping[str, str | None]]) -> None:
        super().__init__(settings_cls)
        self._variables = variables

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        carrier = str(self.current_state.get("carrier", "sim")).lower()
        given = (variables.get(f"{carrier}_phone_number") for variables in self._variables)
        found = next((number for number in given if number), None)
        return {"phone_number": found} if found and carrier != "sim" else {}


def load(**overrides: Any) -> Settings:
    """The settings; raises `ConfigurationError` that names each setting that cannot be used."""
    try:
        return Settings(**overrides)
    except tomllib.TOMLDecodeError as broken:
        raise ConfigurationError(
            f"config.toml in PATTER_HOME is no TOML: {broken}.", next_step="Correct it or remove it."
        ) from None
    except ValidationError as invalid:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in invalid.errors())
        raise ConfigurationError(
            f"These settings cannot be used: {faults}.",
            next_step="Correct them in the environment, in .env or in config.toml in PATTER_HOME.",
        ) from None
