"""What went wrong at a language model, in words that name what the user has set."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import SecretStr

from getpatter.connections.faults import Faults, words_of
from getpatter.connections.vendor import Vendor
from getpatter.errors import ProviderError


@dataclass(frozen=True, slots=True)
class SetBy:
    """Where the user says which model and which server, as an error names it."""

    model: str = "`model`"
    url: str = "`base_url`"


ARGUMENTS: Final = SetBy()


class ModelFaults(Faults):
    """Makes the errors of one model."""

    def __init__(
        self, name: str, model: str, vendor: Vendor, secrets: Iterable[SecretStr] = (), set_by: SetBy = ARGUMENTS
    ) -> None:
        super().__init__(name, vendor, secrets, model)
        self._model = model
        self._vendor_of_model = vendor
        self._set_by = set_by

    def unreachable(self, error: BaseException) -> ProviderError:
        told = super().unreachable(error)
        return self.failed(
            told.message.removeprefix(self.name).strip(),
            next_step=f"Check that the server runs and that {self._set_by.url} is its address.",
        )

    def no_stream(self) -> ProviderError:
        """It answered, and not with events."""
        return self.failed(
            "answered with something else than a stream of a reply", retryable=False, next_step=self._url
        )

    def refused(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> ProviderError:
        words = words_of(body)
        code = error_code(body)
        summary, next_step = self._about(status, code, words)
        if not summary:
            return super().refused(status, body, headers)
        quoted = f": {words}" if words else ""
        if next_step != self._url:
            next_step = self.instead(status, f"{code} {words}") or next_step
        return self.failed(f"{summary} (HTTP {status}){quoted}", retryable=False, next_step=next_step)

    @property
    def _url(self) -> str:
        return f"Check {self._set_by.url}: it must be the API's base URL."

    def _about(self, status: int, code: str, words: str) -> tuple[str, str | None]:
        """What happened and what to do about it, where a language model's refusal means more than any other."""
        about_model = "model" in f"{code} {words}".lower()
        match status:
            case 404 if about_model:
                step = f"Set {self._set_by.model} to a model that {self._vendor_of_model.name} has."
                return f"has no model {self._model!r}", step
            case 404 | 405:
                return "has no language model there", self._url
            case 429 if code == "insufficient_quota":
                key = self._vendor_of_model.key_variable
                return "has no credit left for this key", f"Add credit, or set {key} to another key."
            case _ if 300 <= status < 400:
                return "redirects elsewhere, and keys are not sent there", self._url
            case 400 | 422 if about_model:
                return "refused the request", f"Check {self._set_by.model}."
        return "", None


def error_code(body: bytes) -> str:
    """The word for programs in the body of a refusal: `code`, or `type` where there is none."""
    try:
        told: Any = json.loads(body)
    except ValueError:
        return ""
    error = told.get("error", told) if isinstance(told, dict) else None
    return str(error.get("code") or error.get("type") or "") if isinstance(error, dict) else ""
