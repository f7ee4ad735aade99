"""A peer's process: `python -m tests.peers.serve <module>` answers questions, a line of JSON each, by the functions in
the module's `ANSWERS`.

It runs in the peers' environment, which has nothing of the project, and ends with its standard input.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any


def _stay_at_home(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook: peers are asked by pipe, and whatever else they would tell the world is not said."""
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        raise PermissionError(f"A peer has no business with {arguments[1:]}.")


def _answer(question: dict[str, Any], answers: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"answer": answers[question["ask"]](**question["with"])}
    except Exception as refused:  # noqa: BLE001 - the edge to the test, which is told
        return {"refused": f"{type(refused).__name__}: {refused}"}


def main(module: str) -> None:
    sys.addaudithook(_stay_at_home)
    answers = import_module(module).ANSWERS
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_answer(json.loads(line), answers)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
