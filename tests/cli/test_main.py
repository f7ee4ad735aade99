from __future__ import annotations

import subprocess
import sys


def test_the_command_starts_without_the_modules_of_the_engine() -> None:
    """They take seconds of CPU to import, and asking how things are must not cost that."""
    heavy = ("fastapi", "mcp", "numpy", "onnxruntime", "sqlalchemy", "uvicorn")
    code = f"import sys, getpatter.cli.main; print([name for name in {heavy} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"
