"""Every error this library raises on purpose.

PatterError
├── ConfigurationError        a setting cannot work; says which one and what would
├── InvalidRequest            an argument cannot be used: a malformed number, a page out of range
│   └── CallNotFound          no such call
├── AccessDenied              a token is missing, wrong or used up
├── PolicyDenied              we may not place this call; carries the rule
├── AtCapacity                no room for another call now
├── EngineUnavailable         the engine does not run or cannot be reached
├── CarrierError              the carrier refused or failed; carries its code and its words
│   ├── InvalidSignature      a webhook that the carrier did not sign
│   │   ├── Expired           one that it signed too long ago
│   │   └── Replayed          one that it signed and that is done with: of a call that is over
│   └── MediaError            a media message that breaks the carrier's protocol
├── ProviderError             a speech or language provider failed; says whether a retry can help
│   └── PartialReply          a language model broke off in the middle; carries what it had said
├── ExtensionError            code that the agent was given failed and was left out: a hook, a filter
├── ToolError                 a tool could not do what the model asked for; the text is for the model
├── StoreError                the call store cannot be read or written; says whether a retry can help
└── CallEnded                 the call is over; says who ended it

`ConfigurationError` and `InvalidRequest` are `ValueError`s, too.

An error's text says what is wrong; `next_step`, where there is one, says what to do about it.  Both are
written for whoever made the request, a person or a language model, and never hold a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

Detail = str | bool


class PatterError(Exception):
    """The root of the tree.  `code` names the kind on the wire and in the store."""

    code: ClassVar[str] = "internal"

    def __init__(self, message: str, *, next_step: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step

    @property
    def details(self) -> Mapping[str, Detail]:
        """What its kind tells beside the text, for programs: arguments of the kind's own constructor, by name."""
        return {}


class ConfigurationError(PatterError, ValueError):
    code = "configuration"


class InvalidRequest(PatterError, ValueError):
    code = "invalid_request"


class CallNotFound(InvalidRequest):
    code = "call_not_found"


class AccessDenied(PatterError):
    code = "access_denied"


class PolicyDenied(PatterError):
    """`rule` names the rule that refused, e.g. `emergency_number`."""

    code = "policy_denied"

    def __init__(self, message: str, *, rule: str = "", next_step: str | None = None) -> None:
        super().__init__(message, next_step=next_step)
        self.rule = rule

    @property
    def details(self) -> Mapping[str, Detail]:
        return {"rule": self.rule}


class AtCapacity(PatterError):
    code = "at_capacity"


class EngineUnavailable(PatterError):
    code = "engine_unavailable"


class CarrierError(PatterError):
    """`carrier_code` is the carrier's own error code, where it gave one."""

    code = "carrier"

    def __init__(self, message: str, *, carrier_code: str = "", next_step: str | None = None) -> None:
        super().__init__(message, next_step=next_step)
        self.carrier_code = carrier_code

    @property
    def details(self) -> Mapping[str, Detail]:
        return {"carrier_code": self.carrier_code}


class InvalidSignature(CarrierError):
    code = "invalid_signature"


class Expired(InvalidSignature):
    code = "expired"


class Replayed(InvalidSignature):
    code = "replayed"


class MediaError(CarrierError):
    code = "media"


class ProviderError(PatterError):
    """`provider` is its name, `retryable` whether the same request may succeed later."""

    code = "provider"

    def __init__(
        self, message: str, *, provider: str = "", retryable: bool = False, next_step: str | None = None
    ) -> None:
        super().__init__(message, next_step=next_step)
        self.provider = provider
        self.retryable = retryable

    @property
    def details(self) -> Mapping[str, Detail]:
        return {"provider": self.provider, "retryable": self.retryable}


class ExtensionError(PatterError):
    code = "extension"


class ToolError(PatterError):
    """Raised by a tool's handler to tell the model why; `status` goes with the text, e.g. `rejected`."""

    code = "tool"

    def __init__(self, message: str, *, status: str = "", next_step: str | None = None) -> None:
        super().__init__(message, next_step=next_step)
        self.status = status

    @property
    def details(self) -> Mapping[str, Detail]:
        return {"status": self.status}


class PartialReply(ProviderError):
    """`said` is the text that was given before, `tools` the names of the tools that were called."""

    code = "partial_reply"

    def __init__(
        self,
        message: str,
        *,
        provider: str = "",
        retryable: bool = False,
        next_step: str | None = None,
        said: str = "",
        tools: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, provider=provider, retryable=retryable, next_step=next_step)
        self.said = said
        self.tools = tools


class StoreError(PatterError):
    """`retryable` says whether the same request may succeed later: the database is locked or away."""

    code = "store"

    def __init__(self, message: str, *, retryable: bool = False, next_step: str | None = None) -> None:
        super().__init__(message, next_step=next_step)
        self.retryable = retryable

    @property
    def details(self) -> Mapping[str, Detail]:
        return {"retryable": self.retryable}


class CallEnded(PatterError):
    code = "call_ended"


def _kinds(root: type[PatterError]) -> dict[str, type[PatterError]]:
    found = {root.code: root}
    for kind in root.__subclasses__():
        for code, heir in _kinds(kind).items():
            found.setdefault(code, heir)  # a subclass without a code of its own is one of its parent's kind
    return found


def from_wire(
    code: str, message: str, next_step: str | None = None, details: Mapping[str, object] | None = None
) -> PatterError:
    """The error that another process described by its code, text and details.

    An unknown code gives `PatterError`; details that its kind does not have, or not of this type, are left out.
    """
    kind = _kinds(PatterError).get(code, PatterError)
    own = kind("").details
    known = {name: value for name, value in (details or {}).items() if name in own and type(value) is type(own[name])}
    return kind(message, next_step=next_step, **known)


def first_of(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """What went wrong first, out of its groups."""
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
