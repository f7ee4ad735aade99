"""Without the library, and with it in an environment of its own: it clashes with the clients of other vendors."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import util
from pathlib import Path

import pytest

from getpatter.errors import ConfigurationError
from getpatter.llm.litellm import LiteLLMLLM

ROOT = Path(__file__).parents[2]
ENVIRONMENT = ROOT / ".venv-litellm"
TIMEOUT_S = 600.0
"""Of a process that has hung; it takes a fiftieth of it."""


@pytest.mark.skipif(util.find_spec("litellm") is not None, reason="the library is installed")
def test_without_the_library_the_error_names_the_extra() -> None:
    with pytest.raises(ConfigurationError) as missing:
        LiteLLMLLM("gpt-4o-mini")
    assert "patter-mcp[litellm]" in str(missing.value.next_step)


@pytest.mark.skipif(not (ENVIRONMENT / ".ready").exists(), reason="litellm is not installed; `make litellm` does that")
def test_with_the_library_it_is_a_language_model_like_any_other() -> None:
    # The library is warned of by its dependencies, and takes a warning that is an error for one of the vendor's.
    options = ("-n", "0", "-p", "no:cacheprovider", "-W", "default")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "tests/litellm/library.py"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ENVIRONMENT)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
