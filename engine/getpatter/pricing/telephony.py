"""What carriers charge for a minute, to say at once about what a call has cost.

The figures are list prices for numbers in the United States, without what an account has agreed, without taxes, and
without answering-machine detection, recording or a second leg.  The carrier's own price replaces the estimate.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from getpatter.metering import Product, Used
from getpatter.pricing.figure import COMPARED, COMPARISON
from getpatter.pricing.rates import Free, PerMinute
from getpatter.pricing.table import Entry, PriceTable


def _begun(price: str) -> Entry:
    return Entry((PerMinute(Decimal(price), "call", begun=True),), COMPARED, COMPARISON)


CARRIERS: Final[Mapping[str, Mapping[str, Entry]]] = {
    "twilio": {"inbound us": _begun("0.0085"), "outbound us": _begun("0.014")},
    "telnyx": {"inbound us": _begun("0.0035"), "outbound us": _begun("0.007")},
    "plivo": {"inbound us": _begun("0.0055"), "outbound us": _begun("0.0115")},
}
"""By direction and country.  An operator's own may be by the beginning of the number, too: `outbound +44`."""

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


def estimate(carrier: str, direction: str, number: str, duration_s: float, table: PriceTable) -> int | None:
    """About what a call costs, in millionths of a US dollar; None where we cannot tell.

    `number` (E.164) is the one that is paid for: whom we call, or the number of ours that is called.  A call that
    nobody answered, of no duration, costs nothing.
    """
    name = _price_name(carrier, direction, number, table)
    if name is None:
        return None
    return table.charge(Used(Product(carrier, name), seconds=max(0.0, duration_s))).micros


def costs_nothing(carrier: str, table: PriceTable) -> bool:
    """Whether its calls are free, whatever their direction and length."""
    entry = table.find(Product(carrier))
    return entry is not None and all(isinstance(rate, Free) for rate in entry.rates)


def _price_name(carrier: str, direction: str, number: str, table: PriceTable) -> str | None:
    vendor = table.vendors.get(carrier)
    if vendor is None:
        return None
    by_number = [f"{direction} {number[:digits]}" for digits in range(len(number), 1, -1)]
    by_country = [f"{direction} us"] if _in_the_states(number) else []
    listed = next((name for name in (*by_number, direction, *by_country) if name in vendor.models), None)
    return direction if listed is None and vendor.default is not None else listed


def _in_the_states(number: str) -> bool:
    match = _NORTH_AMERICAN.fullmatch(number)
    return match is not None and match[1] not in _PRICED_OTHERWISE
