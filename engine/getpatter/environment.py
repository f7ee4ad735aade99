"""Variables that other software names: keys and account ids."""

from __future__ import annotations

import os
from collections.abc import Mapping

from dotenv import dotenv_values


def variables() -> Mapping[str, str]:
    """The environment, and behind it what `.env` in the working directory has."""
    written = {name: value for name, value in dotenv_values(".env").items() if value is not None}
    return {**written, **os.environ}
