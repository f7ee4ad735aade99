"""Models of the configured agent that their vendors retire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from getpatter.carriers.base import Finding
from getpatter.connections.ending_models import end_of
from getpatter.providers.products import bought
from getpatter.settings import Settings

_ABOUT = "models"


def models(settings: Settings) -> Sequence[Finding]:
    """One finding for each that ends; none where no end is known."""
    found: list[Finding] = []
    for each in bought(settings):
        if (end := end_of(each.product)) is not None:
            level: Literal["error", "warning"] = "error" if end.standing == "retired" else "warning"
            to = each.instead(end.successor) if end.successor else "another model"
            found.append(Finding(_ABOUT, level, f"{end.told}.", f"Set {each.setting} to {to}."))
    return found
