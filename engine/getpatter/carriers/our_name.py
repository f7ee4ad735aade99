"""Our own name for a call, in the URLs of its webhooks.

A carrier's answer to a dial may be lost, and with it what the carrier calls the call.  Its webhooks tell, for they are
sent to a URL that has our name; it is part of what the carrier signs.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qs, quote

from getpatter.carriers.base import CallRenamed

_PARAMETER: Final = "call"
_NAME: Final = re.compile("[A-Za-z0-9_-]{1,64}")


def with_name(url: str, call_id: str) -> str:
    """The URL of a webhook, without a query so far, for the call that we know by `call_id`."""
    return f"{url}?{_PARAMETER}={quote(call_id, safe='')}"


def renamed(url: str, carrier_call_id: str) -> tuple[CallRenamed, ...]:
    """What a webhook's URL says of the call that it is about; nothing where it has no name of ours."""
    query = url.partition("#")[0].partition("?")[2]
    if f"{_PARAMETER}=" not in query:
        return ()
    try:
        name = parse_qs(query, max_num_fields=100).get(_PARAMETER, [""])[0]
    except ValueError:
        return ()
    return (CallRenamed(name, carrier_call_id),) if _NAME.fullmatch(name) else ()
