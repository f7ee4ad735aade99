"""Lines and URLs are found however the output is cut into pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getpatter.tunnels.output import KEPT_LINES, LINE_LIMIT, Lines, quick_tunnel_url


@pytest.mark.parametrize(
    ("line", "url"),
    [
        ("2026-11-21T09:00:00Z INF |  https://Two-Words.trycloudflare.com   |", "https://two-words.trycloudflare.com"),
        ("visit https://a.trycloudflare.com/ now", "https://a.trycloudflare.com"),
        ('failed: Post "https://api.trycloudflare.com/tunnel": EOF', None),
        ("https://trycloudflare.com", None),
        ("https://a.trycloudflare.community", None),
        ("http://a.trycloudflare.com", None),
    ],
)
def test_the_url_of_a_quick_tunnel(line: str, url: str | None) -> None:
    assert quick_tunnel_url(line) == url


@given(st.lists(st.text("abc é", min_size=1, max_size=30).filter(str.strip), max_size=6), st.data())
def test_lines_are_the_same_however_they_come(texts: list[str], data: st.DataObject) -> None:
    written = "".join(f"{text}\r\n" for text in texts).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(written)), max_size=8)))
    pieces = [written[start:end] for start, end in zip([0, *cuts], [*cuts, len(written)], strict=True)]
    lines = Lines()
    assert [line for piece in pieces for line in lines.feed(piece)] == [text.strip() for text in texts]


def test_a_line_without_an_end_takes_no_room() -> None:
    lines = Lines()
    for _ in range(100):
        lines.feed(b"x" * 10_000)
    assert len(lines.last) < (KEPT_LINES + 1) * (LINE_LIMIT + 1)


def test_the_last_words_hold_what_was_not_finished() -> None:
    lines = Lines()
    lines.feed("".join(f"line {number}\n" for number in range(20)).encode() + b"and th")
    assert lines.last.splitlines() == [f"line {number}" for number in range(20 - KEPT_LINES, 20)] + ["and th"]
