"""Google's models, at the Gemini API or at Vertex AI."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Final, Self, Unpack

from pydantic import SecretStr

from getpatter.connections.facts import Facts
from getpatter.connections.vendor import Vendor, host_of, service_url
from getpatter.environment import variables
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.extension import place
from getpatter.llm.faults import ModelFaults
from getpatter.llm.gemini import Gemini
from getpatter.llm.http import HttpLLM
from getpatter.llm.options import Chosen, Options
from getpatter.metering import Product

URL: Final = "https://generativelanguage.googleapis.com/v1"
MODEL: Final = "gemini-3.5-flash-lite"
GOOGLE: Final = Vendor("Google", "GOOGLE_API_KEY", "aistudio.google.com/apikey")
OTHER_VARIABLE: Final = "GEMINI_API_KEY"


class GoogleLLM(HttpLLM):
    """A Gemini model.

    The key is looked for in `GOOGLE_API_KEY` and then in `GEMINI_API_KEY`, in the environment and in `.env`; it goes in
    a header, never in the URL.  Models that think do so by default, and the caller hears nothing meanwhile:
    `reasoning_effort="none"` turns it off, or to the least that the model knows; `"low"` makes it short.

    For Vertex AI give `token`, an OAuth access token or a function that has one at hand, since they last for an hour,
    and as `base_url` all that stands before `/models/`, which ends in
    `/v1/projects/<project>/locations/<region>/publishers/google`.

    Raises `ConfigurationError`.
    """

    FACTS: ClassVar = Facts(
        vendor=GOOGLE.name,
        key_variable=f"{GOOGLE.key_variable} or {OTHER_VARIABLE}",
        transport="HTTP event stream",
        models=(MODEL,),
        features=("tools", "cancel", "cached tokens", "thought signatures"),
        billing="tokens",
        tested_with="google-genai",
        unconfirmed=("Tokens of thought for reasoning_effort in Gemini 2.5.",),
    )

    def __init__(
        self,
        api_key: SecretStr | str = "",
        model: str = MODEL,
        *,
        base_url: str = "",
        token: SecretStr | str | Callable[[], str] = "",
        **options: Unpack[Options],
    ) -> None:
        chosen = Chosen(**options)
        if token and not base_url:
            raise ConfigurationError(
                "A token is for Vertex AI, whose address holds the project.",
                next_step="Give `base_url`, too, or `api_key` in place of `token`.",
            )
        self._secrets: tuple[SecretStr, ...] = chosen.secrets
        self._api = Gemini(
            url=service_url(base_url, URL),
            product=Product(GOOGLE.billed_as, (model or MODEL).removeprefix("models/")),
            authorise=self._by_token(token) if token else self._by_key(api_key),
            options=chosen,
        )
        super().__init__(
            self._api,
            self._faults_of(self._api),
            timeout_s=chosen.timeout_s,
            idle_timeout_s=chosen.idle_timeout_s,
            clock=chosen.clock,
        )

    def with_model(self, model: str) -> Self:
        """The same with another model, over the same connections."""
        api = replace(self._api, product=replace(self._api.product, model=model.removeprefix("models/")))
        other = self._with(api, self._faults_of(api))
        other._api = api
        return other

    def _by_key(self, given: SecretStr | str) -> Callable[[], Mapping[str, str]]:
        known = variables()
        key = GOOGLE.key(given or known.get(GOOGLE.key_variable, "") or known.get(OTHER_VARIABLE, ""))
        self._secrets += (key,)
        return lambda: {"x-goog-api-key": key.get_secret_value()}

    def _by_token(self, token: SecretStr | str | Callable[[], str]) -> Callable[[], Mapping[str, str]]:
        if callable(token):
            return lambda: {"Authorization": f"Bearer {_fresh(token)}"}
        kept = SecretStr((token.get_secret_value() if isinstance(token, SecretStr) else token).strip())
        self._secrets += (kept,)
        return lambda: {"Authorization": f"Bearer {kept.get_secret_value()}"}

    def _faults_of(self, api: Gemini) -> GoogleFaults:
        model = api.product.model
        return GoogleFaults(f"{model} at {host_of(api.url)}", model, GOOGLE, self._secrets, api.options.set_by)


def _fresh(token: Callable[[], str]) -> str:
    try:
        return token().strip()
    except Exception as error:  # noqa: BLE001 -- the program's code may raise anything, with a secret in its text
        raise ProviderError(f"There is no token for Google: {type(error).__name__} {place(error)}.") from None


class GoogleFaults(ModelFaults):
    """Google refuses a wrong key as a bad request, and says in the body when to come again."""

    def refused(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> ProviderError:
        details = _details(body)
        if any(detail.get("reason") == "API_KEY_INVALID" for detail in details):
            return super().refused(401, body, headers)
        delays = [str(detail["retryDelay"]) for detail in details if "retryDelay" in detail]
        if delays:
            headers = {**(headers or {}), "retry-after": _whole_seconds(delays[0])}
        return super().refused(status, body, headers)


def _details(body: bytes) -> Iterable[Mapping[str, Any]]:
    try:
        told = json.loads(body)
    except ValueError:
        return ()
    told = told[0] if isinstance(told, list) and told else told
    error = told.get("error") if isinstance(told, dict) else None
    details = error.get("details") if isinstance(error, dict) else None
    return [detail for detail in details if isinstance(detail, dict)] if isinstance(details, list) else ()


def _whole_seconds(duration: str) -> str:
    """`37.8s`, as protocol buffers write durations in JSON, in seconds, none too few."""
    whole, _, rest = duration.removesuffix("s").partition(".")
    return str(int(whole) + bool(rest.strip("0"))) if whole.isdecimal() else ""
