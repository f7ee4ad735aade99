"""What the replies of a call use of its language model, also those that are broken off."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from getpatter.llm.base import LanguageModel, Message, ReplyPart, ToolSpec
from getpatter.llm.estimate import Estimate
from getpatter.metering import LOCAL, UNKNOWN, Product, Used


class ReplyMeter:
    """One call's.  `tell` is given one `Used` for each reply that cost something or may have."""

    def __init__(self, llm: LanguageModel, tell: Callable[[Used], None]) -> None:
        self._llm = llm
        self._tell = tell
        self._product: Product | None = None
        """What the latest reply was bought of."""

    def begin(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> ReplyUse:
        """The model is asked this."""
        return ReplyUse(self, Estimate(messages, tools))

    def told(self, used: Used) -> None:
        """The model said what a reply used."""
        self._product = used.product
        self._tell(used)

    def untold(self, estimate: Estimate) -> None:
        """A reply ended and the model did not say what it used."""
        if self._product is None and self._llm.scripted:
            self._tell(Used(LOCAL))
        else:
            self._tell(estimate.used(self._product or UNKNOWN))


class ReplyUse:
    """One reply: `take` its parts, `failed` where it is an error that ends it, and `end` it, whatever became of it."""

    def __init__(self, meter: ReplyMeter, estimate: Estimate) -> None:
        self._meter = meter
        self._estimate = estimate
        self._used: Used | None = None
        self._begun = False
        self._failed = False

    def take(self, part: ReplyPart) -> None:
        if isinstance(part, Used):
            self._used = part
        else:
            self._begun = True
            self._estimate.take(part)

    def failed(self) -> None:
        self._failed = True

    def end(self) -> None:
        """A request that failed before it gave anything is not paid; one that was broken off is."""
        if self._used is not None:
            self._meter.told(self._used)
        elif self._begun or not self._failed:
            self._meter.untold(self._estimate)
