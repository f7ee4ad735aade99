from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from getpatter.audio.pcm import WholeSamples


@settings(deadline=None)
@given(st.lists(st.binary(max_size=5)))
def test_nothing_is_lost_and_no_sample_is_cut(chunks: list[bytes]) -> None:
    samples = WholeSamples()
    out = [samples.feed(chunk) for chunk in chunks]
    assert all(len(piece) % 2 == 0 for piece in out)
    fed = b"".join(chunks)
    assert b"".join(out) == fed[: len(fed) // 2 * 2]


def test_a_half_is_dropped_by_reset() -> None:
    samples = WholeSamples()
    assert samples.feed(b"\x01") == b""
    samples.reset()
    assert samples.feed(b"\x02\x03") == b"\x02\x03"
