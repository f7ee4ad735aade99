"""How incoming calls are to be answered, kept in the home for engines to come."""

from __future__ import annotations

import logging
from pathlib import Path

from pydantic import ValidationError

from getpatter.calls.views import ServeInbound
from getpatter.home import keep

log = logging.getLogger(__name__)

FILE = "inbound.json"


class InboundMemory:
    """What was last asked of `serve_inbound`, in this home; mode 0600, for a goal may be private."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def load(self) -> ServeInbound | None:
        """None where calls are to be turned away, and where nothing legible was kept."""
        try:
            return ServeInbound.model_validate_json((self._home / FILE).read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            log.warning(
                "%s cannot be read (%s): incoming calls are turned away", self._home / FILE, type(error).__name__
            )
            return None

    def save(self, request: ServeInbound) -> None:
        """`enabled=False` forgets what was kept.  Without room on the disk the call is answered all the same."""
        try:
            if request.enabled:
                keep(self._home, FILE, request.model_dump_json(indent=2).encode())
            else:
                (self._home / FILE).unlink(missing_ok=True)
        except OSError as error:
            log.error("%s was not written (%s): the next engine answers as before", self._home / FILE, error.strerror)
