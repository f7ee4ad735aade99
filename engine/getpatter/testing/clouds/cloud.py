"""What stand-ins for all carriers have in common."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Self

from starlette.applications import Starlette

from getpatter.conversation.listening import Listening
from getpatter.errors import CarrierError
from getpatter.testing.clouds.rest import Asked, Rest
from getpatter.testing.happenings import Verdict
from getpatter.testing.http import served
from getpatter.testing.line_call import LineCall
from getpatter.testing.lines import Lines, RingResult
from getpatter.testing.parties import Directory
from getpatter.testing.webhooks import CallbackFaults, Webhooks
from getpatter.tts.base import TextToSpeech

KEPT_CALLS = 1000


@dataclass(slots=True)
class OwnNumber:
    """A number of the account, and who is asked when it rings."""

    number: str
    id: str
    voice_url: str = ""
    voice_method: str = "POST"
    status_url: str = ""
    application: str = ""
    """Asked instead of `voice_url`, where there is one."""


class Cloud:
    """A carrier's cloud on a loopback port, with its telephone network.  Use it with `async with`.

    A carrier's own has a `Wire` for its calls, makes its `Rest` by `_rest`, and rings the engine by `ring`.  Calls take
    their course by `lines.start(call, call.dial(...))` or `call.receive(...)`; everything else that carriers do with
    calls is a method of `LineCall`.
    """

    api_path = ""
    """Where the API begins, below the server's address."""

    def __init__(
        self, directory: Directory, *, tts: TextToSpeech | None = None, listening: Listening | None = None
    ) -> None:
        """`tts` speaks for parties that have no clips and for the carrier's own voice; `listening`, already started,
        is made here when not given."""
        self.lines = Lines(directory, tts=tts, listening=listening, kept_calls=KEPT_CALLS)
        self.numbers: dict[str, OwnNumber] = {}
        self.url = ""
        """For an account's `api_url`."""
        self.verdicts: dict[str, Verdict] = {}
        """What detection of answering machines makes of parties, by number, where it is not what they are."""
        self.price_at_fetch = 1
        """At which request for a call that is over its price is known."""
        self._rest = self._make_rest()
        self._closing = AsyncExitStack()

    async def __aenter__(self) -> Self:
        base = await self._closing.enter_async_context(served(self.app()))
        self._closing.push_async_callback(self.lines.close)
        self.url = base + self.api_path
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._closing.aclose()

    def app(self) -> Starlette:
        return self._rest.app()

    # -- what a test sees

    @property
    def requests(self) -> Sequence[Asked]:
        """What was asked of the API."""
        return list(self._rest.requests)

    @property
    def webhooks(self) -> Webhooks:
        """What was sent to the engine is in `delivered`."""
        return self.lines.webhooks

    def call(self, call_id: str) -> LineCall:
        """A live call or a past one; raises `CarrierError` for none."""
        call = self.lines.find(call_id)
        if call is None:
            raise CarrierError(f"There was no call {call_id} here.", carrier_code="unknown_call")
        return call

    # -- what a test does

    def own(self, number: str, voice_url: str = "") -> OwnNumber:
        """Give the account a number."""
        raise NotImplementedError

    async def ring(self, number: str, to_number: str) -> RingResult:
        """The party with `number` calls a number of the account, and stays until the end.

        Raises `CarrierError` when the engine cannot be reached, answers with an error or what is no answer, or does
        not take the media stream that it asked for.
        """
        raise NotImplementedError

    @property
    def callbacks(self) -> CallbackFaults:
        """What goes wrong with callbacks."""
        return self.lines.webhooks.faults

    def fail_next(
        self,
        status: int,
        *,
        code: int = 20500,
        message: str = "An internal error has occurred",
        path: str = "",
        method: str = "",
        times: int = 1,
    ) -> None:
        """Refuse the next requests, or those whose path has `path` in it and whose method is `method`."""
        self._rest.fail_next(status, code=code, message=message, path=path, method=method, times=times)

    # -- for carriers

    def _make_rest(self) -> Rest:
        raise NotImplementedError

    def _verdict(self, number: str) -> Verdict:
        if number in self.verdicts:
            return self.verdicts[number]
        party = self.lines.directory.get(number)
        return party.verdict if party is not None else "unknown"

    def _own(self, number: str) -> OwnNumber:
        if number not in self.numbers:
            raise CarrierError(f"{number} is no number of this account; give it one with own().")
        return self.numbers[number]
