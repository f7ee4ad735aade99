from __future__ import annotations

import logging

import pytest

pytest.importorskip("pocketsphinx", reason="the local extra is not installed")

from getpatter.stt.pocketsphinx_wire import MAX_BACKLOG_BYTES, Audio, Begin, Finalize
from getpatter.stt.pocketsphinx_worker import SLICE_BYTES, Backlog


def test_requests_keep_their_order_and_audio_comes_in_slices() -> None:
    backlog = Backlog()
    for request in (Begin(), Audio(b"a" * (SLICE_BYTES + 1)), Finalize(), Audio(b"b")):
        backlog.put(request)
    taken = [backlog.next() for _ in range(6)]
    assert taken == [Begin(), b"a" * SLICE_BYTES, b"a", Finalize(), b"b", None]


def test_a_backlog_too_long_loses_its_oldest_audio_and_no_request(caplog: pytest.LogCaptureFixture) -> None:
    backlog = Backlog()
    for request in (Begin(), Audio(b"a" * SLICE_BYTES * 3), Finalize()):
        backlog.put(request)
    with caplog.at_level(logging.WARNING):
        backlog.put(Audio(b"b" * MAX_BACKLOG_BYTES))
    taken = [backlog.next() for _ in range(MAX_BACKLOG_BYTES // SLICE_BYTES + 3)]
    assert taken[:2] == [Begin(), Finalize()]
    assert b"".join(item for item in taken if isinstance(item, bytes)) == b"b" * MAX_BACKLOG_BYTES
    assert "behind" in caplog.text
