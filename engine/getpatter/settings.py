"""Settings and where they come from.

First match wins: arguments, environment, `.env` in the working directory, `config.toml` in `PATTER_HOME`, defaults.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import AliasChoices, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from getpatter.errors import ConfigurationError


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
    public_url: str = ""
    """What carriers reach the carrier listener by, e.g. https://phone.example.org"""
    carrier: str = "sim"
    phone_number: str = "+12025550199"
    allow: str = ""
    """Numbers and prefixes (ending in *) that real carriers may dial, separated by commas."""
    transfer_to: str = ""
    """Numbers and prefixes (ending in *) to which the agent may transfer calls, separated by commas."""
    database_url: str = Field("", validation_alias=AliasChoices("DATABASE_URL", "database_url"))
    llm_url: str = ""
    """Base URL of an OpenAI-compatible API, e.g. http://127.0.0.1:11434/v1"""
    llm_model: str = ""
    llm_key: SecretStr = SecretStr("")
    voice: str = ""
    """Name of a local voice; empty picks the best that is installed."""
    language: str = "en-US"
    max_calls: int = Field(100, ge=1)
    """Live calls at once; more are refused."""
    max_call_s: float = Field(600.0, gt=0)
    ring_timeout_s: float = Field(25.0, gt=0)
    machine_detection: bool = True
    """Have the carrier tell answering machines, too, which most charge for; what the agent hears is judged anyway."""
    vad_stop_s: float = Field(0.5, gt=0)
    record: bool = True
    drain_s: float = Field(30.0, ge=0)
    """How long a stopping engine lets live calls go on before it says goodbye for them."""
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(str.upper)] = "INFO"

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
        return init_settings, env_settings, dotenv_settings, toml

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
        return self.home / "recordings"

    @property
    def parties(self) -> Path:
        """Where a user's own simulated parties lie, as YAML."""
        return self.home / "parties"


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
