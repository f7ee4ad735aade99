from __future__ import annotations

import pytest

from getpatter.audio.format import LINE
from getpatter.engines.heard_text import KEPT, HeardText


@pytest.mark.parametrize(
    ("heard_ms", "words"), [(0, ""), (999, "one"), (1000, "one two"), (1999, "one two three"), (2000, None)]
)
def test_words_were_heard_by_their_share_of_the_sound(heard_ms: int, words: str | None) -> None:
    said = HeardText(LINE)
    said.write("turn_1", "one two ")
    said.write("turn_1", "three four")
    said.add("turn_1", 2 * LINE.bytes_per_second)
    assert said.until("turn_1", heard_ms) == words


def test_nothing_is_told_of_what_is_not_known() -> None:
    said = HeardText(LINE)
    for number in range(KEPT + 1):
        said.add(f"turn_{number}", 8000)
    assert said.until("turn_0", 100) is None
    assert said.until("turn_1", 100) == ""
