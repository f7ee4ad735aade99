"""What a model thinks aloud, where its server does not keep it apart from what it says.  No I/O."""

from __future__ import annotations

from typing import Final

OPENS: Final = "<think>"
"""As DeepSeek's and Qwen's models write it, and most open ones after them."""
CLOSES: Final = "</think>"


class Thoughts:
    """Takes one reply's text piece by piece and leaves out the thoughts that it begins with."""

    def __init__(self) -> None:
        self._held = ""
        self._decided = False
        """Whether the reply begins with thoughts is known."""
        self._thinking = False
        self._thought = False
        """Thoughts are over, and nothing was said yet."""

    def spoken(self, text: str) -> str:
        """What of the text is to be heard, as far as it is known; a beginning that may be a tag is held back."""
        if not self._decided:
            text = self._begin(text)
        if self._thinking:
            text = self._leave_out(text)
        if self._thought:
            text = text.lstrip()
            self._thought = not text
        return text

    def rest(self) -> str:
        """What was held back, when the reply is over."""
        held, self._held = ("" if self._thinking else self._held), ""
        return held

    def _begin(self, text: str) -> str:
        self._held += text
        begun = self._held.lstrip()
        if len(begun) < len(OPENS) and OPENS.startswith(begun):
            return ""
        self._decided, self._thinking = True, begun.startswith(OPENS)
        given, self._held = self._held, ""
        return begun.removeprefix(OPENS) if self._thinking else given

    def _leave_out(self, text: str) -> str:
        _, closed, said = (self._held + text).partition(CLOSES)
        if not closed:
            self._held = (self._held + text)[1 - len(CLOSES) :]
            return ""
        self._thinking, self._thought, self._held = False, True, ""
        return said
