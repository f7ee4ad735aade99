"""What is observed: the event bus, the figures drawn from it, and traces.

The names in `__all__` are public and are loaded when they are first asked for: OpenTelemetry takes long to import, and
most programs are not traced.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from getpatter.observability.bus import EventBus as EventBus
    from getpatter.observability.named_events import PatterEventType as PatterEventType
    from getpatter.observability.spans import init_tracing as init_tracing
    from getpatter.observability.spans import is_tracing_enabled as is_tracing_enabled
    from getpatter.observability.spans import patter_call_scope as patter_call_scope
    from getpatter.observability.spans import start_span as start_span

_HOME_OF: Final = {
    "EventBus": "bus",
    "PatterEventType": "named_events",
    "init_tracing": "spans",
    "is_tracing_enabled": "spans",
    "patter_call_scope": "spans",
    "start_span": "spans",
}

__all__ = [*_HOME_OF]


def __getattr__(name: str) -> object:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = vars(import_module(f"{__name__}.{home}"))[name]
    return found
