from __future__ import annotations

import logging

import pytest

from getpatter.audio.format import LINE
from getpatter.stt.backlog import Backlog
from getpatter.stt.worker_wire import MAX_BACKLOG_S, Audio, Finalize

SLICE_S = 0.2
SLICE_BYTES = int(SLICE_S * LINE.bytes_per_second)
MAX_BYTES = int(MAX_BACKLOG_S * LINE.bytes_per_second)


@pytest.fixture
def backlog() -> Backlog[str | Finalize]:
    return Backlog(LINE, SLICE_S)


def test_requests_keep_their_order_and_audio_comes_in_slices(backlog: Backlog[str | Finalize]) -> None:
    for request in ("begin", Audio(b"a" * (SLICE_BYTES + 1)), Finalize(), Audio(b"b")):
        backlog.put(request)
    taken = [backlog.next() for _ in range(6)]
    assert taken == ["begin", b"a" * SLICE_BYTES, b"a", Finalize(), b"b", None]


def test_a_backlog_too_long_loses_its_oldest_audio_and_no_request(
    backlog: Backlog[str | Finalize], caplog: pytest.LogCaptureFixture
) -> None:
    for request in ("begin", Audio(b"a" * SLICE_BYTES * 3), Finalize()):
        backlog.put(request)
    with caplog.at_level(logging.WARNING):
        backlog.put(Audio(b"b" * MAX_BYTES))
    taken = [backlog.next() for _ in range(MAX_BYTES // SLICE_BYTES + 3)]
    assert taken[:2] == ["begin", Finalize()]
    assert b"".join(item for item in taken if isinstance(item, bytes)) == b"b" * MAX_BYTES
    assert "behind" in caplog.text
