"""A caller who speaks typed words: a voice for the detector, word after word for the recogniser, all by the clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from math import ceil

from getpatter.audio.vad import WINDOW_S
from getpatter.clock import Clock, TimerHandle

VOICE, SILENCE = 0.95, 0.0
"""Probabilities of speech."""


class TypedCaller:
    """One call's caller, and the `Listener` of its conversation.

    While they speak, and until the detector must have noticed that they stopped, a window comes every 32 ms.
    """

    def __init__(self, clock: Clock, *, stop_s: float, word_s: float, on_word: Callable[[str], None]) -> None:
        """`stop_s` is the silence that ends a turn, `word_s` the length of a word; `on_word` is told each word when it
        was said."""
        self._clock = clock
        self._tail = ceil(stop_s / WINDOW_S) + 2
        self._word_s = word_s
        self._on_word = on_word
        self._hear: Callable[[float], None] | None = None
        self._words: deque[str] = deque()
        self._word_ends = 0.0
        self._silent_windows = 0
        self._timer: TimerHandle | None = None

    def open(self, on_probability: Callable[[float], None]) -> TypedCaller:
        """For the conversation: it listens from now on."""
        self._hear = on_probability
        return self

    def say(self, text: str) -> None:
        """Begin to speak, or go on with this after what is being said."""
        words = text.split()
        if words and not self._words:
            self._word_ends = self._clock.now() + self._word_s
        self._words.extend(words)
        if words and self._timer is None:
            self._schedule()

    @property
    def speaking(self) -> bool:
        return bool(self._words)

    @property
    def silent(self) -> bool:
        """Everybody must have noticed by now that they do not speak."""
        return self._timer is None

    # -- for the conversation

    def feed(self, ulaw: bytes) -> None:
        """Sound says nothing here."""

    def reset(self) -> None:
        """What comes next is judged afresh anyway."""

    def close(self) -> None:
        self._hear = None
        self._words.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- by the clock

    def _schedule(self) -> None:
        self._timer = self._clock.call_at(self._clock.now() + WINDOW_S, self._window)

    def _window(self) -> None:
        self._timer = None
        voice = bool(self._words)
        self._silent_windows = 0 if voice else self._silent_windows + 1
        if voice or self._silent_windows < self._tail:
            self._schedule()
        if self._hear is not None:
            self._hear(VOICE if voice else SILENCE)
        while self._words and self._clock.now() >= self._word_ends:
            self._word_ends += self._word_s
            self._on_word(self._words.popleft())
