"""What went wrong at a provider, as errors that say what to do and never show a key."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from pydantic import SecretStr

from getpatter.connections.ending_models import end_of, warn_of_end
from getpatter.connections.vendor import Vendor
from getpatter.errors import ProviderError
from getpatter.metering import Product

MAX_WORDS = 300
"""Characters of a provider's own words that are passed on."""

_RETRYABLE = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_GONE = frozenset({404, 410})
_BAD = frozenset({400, 422})
"""With which some vendors refuse a model that they do not have, and any other mistake."""


class Faults:
    """Makes the errors of one provider.  `name` is what people are shown, e.g. `nova-3 at api.deepgram.com`.

    `model` is the vendor's own name of what is asked there; empty at addresses that are not the vendor's.  All hosted
    models pass here, so one that its vendor retires is told in the log, once.
    """

    def __init__(self, name: str, vendor: Vendor, secrets: Iterable[SecretStr] = (), model: str = "") -> None:
        self.name = name
        self._product = Product(vendor.billed_as, model)
        warn_of_end(self._product)
        self._vendor = vendor
        self._secrets = tuple(secret.get_secret_value() for secret in secrets if secret.get_secret_value())

    def failed(self, what: str, *, retryable: bool = True, next_step: str | None = None) -> ProviderError:
        """`what` completes the sentence that begins with the provider's name."""
        return ProviderError(
            f"{self.name} {self.clean(what)}", provider=self.name, retryable=retryable, next_step=next_step
        )

    def unreachable(self, error: BaseException) -> ProviderError:
        return self.failed(f"cannot be reached: {_kind(error)}", next_step="Check the network and the address.")

    def late(self, seconds: float | None = None) -> ProviderError:
        return self.failed("did not answer in time" if seconds is None else f"did not answer within {seconds:g} s")

    def broke_off(self, reason: str = "") -> ProviderError:
        return self.failed(f"broke off: {reason}" if reason else "broke off")

    def closed(self) -> ProviderError:
        """It was closed by us, and is asked all the same."""
        return self.failed("was closed", retryable=False)

    def unusable_address(self) -> ProviderError:
        return self.failed("has an address that is none", retryable=False, next_step="Check the address.")

    def nonsense(self, what: str) -> ProviderError:
        """It sent what cannot be read."""
        return self.failed(f"sent what cannot be read: {what}")

    def refused(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> ProviderError:
        """An HTTP answer that is none; only the first part of `body` need be there."""
        words = words_of(body)
        summary, next_step = self._explain(status, (headers or {}).get("retry-after", ""))
        next_step = self.instead(status, words) or next_step
        # Servers repeat parts of a refused key, masked in ways of their own.
        quoted = f": {words}" if words and status != 401 else ""
        return self.failed(f"{summary} (HTTP {status}){quoted}", retryable=status in _RETRYABLE, next_step=next_step)

    def ended(self, *, already: bool = False) -> str:
        """What to do where the vendor retires the model; empty where no end of it is known, or with `already` where
        its day has not come."""
        end = end_of(self._product)
        if end is None or (already and end.standing != "retired"):
            return ""
        return f"{end.told}: {end.advice}."

    def instead(self, status: int, words: str) -> str:
        """What to do where a refusal is that of a retired model; empty for any other.  A bad request whose words
        speak of a model that is still served is about something else."""
        if status in _GONE:
            return self.ended()
        return self.ended(already=True) if status in _BAD and "model" in words.lower() else ""

    def unknown_model(self) -> str:
        """What to do where the vendor says that it has no such model."""
        return self.ended() or "Check the name of the model."

    def clean(self, words: str) -> str:
        """On one line, not too long, and without the key, should the provider have repeated it."""
        words = " ".join(words.split())
        for secret in self._secrets:
            words = words.replace(secret, "***")
        return words if len(words) <= MAX_WORDS else words[:MAX_WORDS] + "..."

    def _explain(self, status: int, retry_after: str) -> tuple[str, str | None]:
        again = f"Try again in {retry_after} s." if retry_after.isdecimal() else "Try again in a moment."
        match status:
            case 401:
                return "refused the key", f"Set {self._vendor.key_variable} to a valid key of {self._vendor.name}."
            case 402:
                return "has no credit left for this key", f"Add credit at {self._vendor.name}."
            case 403:
                return "refused access", f"Check what the key in {self._vendor.key_variable} may use."
            case 404:
                return "has nothing there", "Check the names of model and voice, and the address."
            case 429:
                return "is asked too often", again
            case _ if 300 <= status < 400:
                return "redirects elsewhere, and keys are not sent there", "Check the address."
            case _ if status >= 500:
                return "failed", again
        return "refused the request", None


def words_of(body: bytes) -> str:
    """The explanation in the body of a refusal: vendors write `error`, `message`, `detail` and `err_msg`."""
    try:
        return _words(json.loads(body))
    except (ValueError, RecursionError):
        text = body.decode("utf-8", "replace").strip()
        return "" if text.startswith("<") else text


def _words(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "; ".join(words for item in value if (words := _words(item)))
    if isinstance(value, dict):
        for name in ("message", "err_msg", "error", "detail", "msg", "description", "error_message", "title", "errors"):
            if words := _words(value.get(name)):
                return words
    return ""


def _kind(error: BaseException) -> str:
    """What kind of failure, and not its words: those hold addresses, which hold keys at some vendors."""
    return getattr(error, "strerror", None) or type(error).__name__
