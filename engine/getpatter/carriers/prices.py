"""What carriers charge for a minute, to say at once about what a call has cost.

The figures are list prices for numbers in the United States, without what an account has agreed, without taxes, and
without answering-machine detection, recording or a second leg.  The carrier's own price replaces the estimate.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from getpatter.events import Direction

VERSION: Final = "2026-05-08"
"""The day of the latest figure."""


@dataclass(frozen=True, slots=True)
class Rate:
    """US dollars for each minute that was begun."""

    per_minute: Decimal
    source: str
    as_of: str


_TWILIO = "Twilio's US price list for programmable voice, as comparisons of carriers cite it"
_TELNYX = "Telnyx's US price list for call control, as comparisons of carriers cite it"
_PLIVO = "Plivo's US price list for voice, as comparisons of carriers cite it"

RATES: Final[Mapping[tuple[str, Direction], Rate]] = {
    ("twilio", "inbound"): Rate(Decimal("0.0085"), _TWILIO, "2026-05-08"),
    ("twilio", "outbound"): Rate(Decimal("0.014"), _TWILIO, "2026-05-08"),
    ("telnyx", "inbound"): Rate(Decimal("0.0035"), _TELNYX, "2026-05-08"),
    ("telnyx", "outbound"): Rate(Decimal("0.007"), _TELNYX, "2026-05-08"),
    ("plivo", "inbound"): Rate(Decimal("0.0055"), _PLIVO, "2026-05-08"),
    ("plivo", "outbound"): Rate(Decimal("0.0115"), _PLIVO, "2026-05-08"),
}

# Area codes of the same plan that are not of the contiguous United States, or not priced so (NANPA's list): Canada;
# the Caribbean, the Pacific territories, Hawaii and Alaska; toll-free, premium and personal numbers.
_CANADA: Final = (
    "204 226 236 249 250 257 263 289 306 343 354 365 367 368 382 387 403 416 418 428 431 437 438 450 460 468 474 506 "
    "514 519 537 548 568 579 581 584 587 600 604 613 622 633 639 644 647 655 672 677 683 688 705 709 742 753 778 780 "
    "782 807 819 825 867 873 879 902 905 942"
)
_OVERSEAS: Final = (
    "242 246 264 268 284 340 345 441 473 649 658 664 670 671 684 721 758 767 784 787 808 809 829 849 868 869 876 907 "
    "939"
)
_SERVICES: Final = "500 521 522 523 524 525 526 527 528 529 533 544 566 577 588 700 800 833 844 855 866 877 888 900"
_PRICED_OTHERWISE: Final = frozenset(f"{_CANADA} {_OVERSEAS} {_SERVICES}".split())
_NORTH_AMERICAN: Final = re.compile(r"\+1([2-9]\d\d)[2-9]\d{6}", re.ASCII)


def estimate(carrier: str, direction: Direction, number: str, duration_s: float) -> int | None:
    """About what a call costs, in millionths of a US dollar; None where we cannot tell.

    `number` (E.164) is the one that is paid for: whom we call, or the number of ours that is called.  A call that
    nobody answered, of no duration, costs nothing.
    """
    rate = RATES.get((carrier, direction))
    if rate is None or not _in_the_states(number):
        return None
    return int(rate.per_minute * 1_000_000) * math.ceil(max(0.0, duration_s) / 60)


def _in_the_states(number: str) -> bool:
    match = _NORTH_AMERICAN.fullmatch(number)
    return match is not None and match[1] not in _PRICED_OTHERWISE
