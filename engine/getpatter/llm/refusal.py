"""Why a model server answered with an HTTP error, in words that say which setting to look at.  No I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from getpatter.errors import ProviderError
from getpatter.llm.chat_completions import error_text

MAX_WORDS = 300
"""Characters of the server's own words that are passed on."""

_RETRYABLE = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_CHECK_URL = "Set PATTER_LLM_URL to the API's base URL; it usually ends in /v1."


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP response that is no answer, of which only the first part of the body may be there."""

    status: int
    headers: Mapping[str, str]
    """Lower-case names, or a mapping that does not mind the case."""
    body: bytes

    def as_error(self, *, provider: str, model: str, secret: str) -> ProviderError:
        """The error to raise; `secret` is kept out of it should the server repeat it."""
        words, code = self._words()
        if secret:
            words = words.replace(secret, "***")
        summary, next_step = self._explain(model, words, code)
        # Servers repeat parts of a refused key, masked in ways of their own.
        quoted = f": {words[:MAX_WORDS]}" if words and self.status != 401 else ""
        return ProviderError(
            f"{provider} {summary} (HTTP {self.status}){quoted}",
            provider=provider,
            retryable=self.status in _RETRYABLE and code != "insufficient_quota",
            next_step=next_step,
        )

    def _words(self) -> tuple[str, str]:
        """The server's explanation and its error code; empty where it gave none that can be read."""
        try:
            body = json.loads(self.body)
        except ValueError:
            return "", ""
        error = body.get("error", body) if isinstance(body, dict) else None
        if isinstance(error, dict):
            return " ".join(error_text(error).split()), str(error.get("code") or "")
        return (" ".join(error.split()), "") if isinstance(error, str) else ("", "")

    def _explain(self, model: str, words: str, code: str) -> tuple[str, str | None]:
        """What happened, and what to do about it."""
        about_model = code == "model_not_found" or "model" in words.lower()
        match self.status:
            case 200:
                return "answered with something else than a stream of a chat completion", _CHECK_URL
            case 401:
                return "refused the key", "Set PATTER_LLM_KEY to a valid key of that server."
            case 402 | 403:
                return "refused access", "Check what the key in PATTER_LLM_KEY may use."
            case 404 if about_model:
                return f"has no model {model!r}", "Set PATTER_LLM_MODEL to a model that the server has."
            case 404 | 405:
                return "has no chat completions there", _CHECK_URL
            case 429 if code == "insufficient_quota":
                return "has no credit left for this key", "Add credit, or set PATTER_LLM_KEY to another key."
            case 429:
                return "is asked too often", self._when_again()
            case status if 300 <= status < 400:
                return "redirects elsewhere, and keys are not sent there", _CHECK_URL
            case status if status >= 500:
                return "failed", self._when_again()
            case _ if about_model:
                return "refused the request", "Check PATTER_LLM_MODEL."
        return "refused the request", None

    def _when_again(self) -> str:
        seconds = self.headers.get("retry-after", "")
        return f"Try again in {seconds} s." if seconds.isdecimal() else "Try again in a moment."
