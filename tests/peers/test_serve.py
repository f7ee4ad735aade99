"""Peers are asked and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.peers.conftest import Peer


def test_a_peer_reaches_nobody(agent_connect: Peer) -> None:
    assert agent_connect.ask("telemetry") == {
        "client": None,
        "connection": "PermissionError",
        "name": "PermissionError",
    }


def test_what_a_peer_refuses_is_told(agent_connect: Peer) -> None:
    with pytest.raises(Exception, match=r"ValidationError.*\n.*CallSid"):
        agent_connect.ask("status", form={"CallStatus": "ringing"})
