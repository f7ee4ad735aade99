"""What differs by carrier in a simulated call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from getpatter.events import Direction
from getpatter.testing.happenings import Happening
from getpatter.testing.line_codec import LineCodec
from getpatter.testing.verbs import ConnectStream, DialNumber, Hook, Verb
from getpatter.testing.webhooks import Callback

if TYPE_CHECKING:
    from getpatter.testing.line_call import LineCall


@dataclass(frozen=True, slots=True)
class Legs:
    """Who is connected with whom; the numbers are those of the carrier's callbacks."""

    call_id: str
    direction: Direction
    from_number: str
    to_number: str
    parent_id: str = ""
    """The call for which this one was made."""

    @property
    def party_number(self) -> str:
        """Of whoever is at the far end."""
        return self.from_number if self.direction == "inbound" else self.to_number


class Wire(Protocol):
    """One call in its carrier's words.

    `LineCall` is the course of a call, which is the same for all carriers; it tells its wire what happens, and the
    wire says which requests that comes to.  A new carrier is one of these, a `LineCodec`, and a `Cloud` with its REST
    routes.
    """

    @property
    def parks(self) -> bool:
        """A call with nothing to do stays on the line; otherwise it is over."""

    def tell(self, call: LineCall, happened: Happening) -> Sequence[Callback]:
        """The callbacks by which the carrier reports this, signed when they are sent; mostly one or none."""

    def codec(self, call: LineCall, stream: ConnectStream) -> LineCodec:
        """The carrier's side of a stream that is about to be opened."""

    def upgrade_headers(self, url: str) -> Mapping[str, str]:
        """What proves to an engine who opens the stream at `url`."""

    def onward(self, call: LineCall, verb: DialNumber) -> tuple[Legs, Wire]:
        """The call to whom this one is to be connected to."""

    async def follow(self, call: LineCall, hook: Hook, fields: Sequence[tuple[str, str]] = ()) -> Sequence[Verb]:
        """Ask the engine what is to be done next; raises `CarrierError` when it does not say.

        `fields` go with the request.  Carriers that are commanded by REST have no documents, and never come here.
        """
