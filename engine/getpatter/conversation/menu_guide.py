"""Telephone menus in a conversation: when they have been read out, and what the model is told of them."""

from __future__ import annotations

from getpatter.language.menu import MENU_WAIT_S, MenuReader, is_menu, menu_note


class MenuGuide:
    """One outbound call's."""

    def __init__(self, language: str, *, stop_s: float) -> None:
        """`stop_s` is the silence after which anybody else has paused."""
        self._language = language
        self._extra_s = max(0.0, MENU_WAIT_S - stop_s)
        self._reader = MenuReader(language)

    def patience(self, text: str) -> float:
        """Seconds to wait beyond the ordinary silence after these words: menus pause between their options."""
        return self._extra_s if is_menu(text, self._language) else 0.0

    def note(self, text: str) -> str:
        """What the model is to know beside these words, which are a whole turn; empty where they are no menu."""
        self._reader.feed(text)
        if not self._reader.reading:
            return ""
        return menu_note(self._reader.options, self._reader.looping)

    def pressed(self) -> None:
        """A key was sent: what follows is another menu."""
        self._reader.reset()
