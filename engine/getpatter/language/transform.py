"""Written text made fit for a voice: models write Markdown, emoji and addresses whatever they are told."""

from __future__ import annotations

import re

_FENCE = re.compile(r"^[ \t]*(?:```|~~~).*$", re.MULTILINE)
_RULE = re.compile(r"^[ \t]*(?:[-*_=|:][ \t]*){3,}$", re.MULTILINE)
_LINE_MARK = re.compile(r"^[ \t]*(?:(?:#{1,6}|>|[-*+•])[ \t]+)+", re.MULTILINE)
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?:\s+\"[^\"]*\")?\)")
_FOOTNOTE = re.compile(r"\[\^?\d{1,3}\]")
_ADDRESS = re.compile(r"<?\bhttps?://(?:www\.)?([^\s<>?#]*[^\s<>?#.,;:!)/])/?(?:[?#][^\s<>]*[^\s<>.,;:!?)])?>?")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_MARKUP = re.compile(r"`+|\*\*+|__+|~~|(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w)")
_TABLE_BAR = re.compile(r"\s*\|\s*")
_SYMBOL = re.compile(
    "["
    "\u2190-\u21ff"  # arrows
    "\u2300-\u23ff"  # watches, hourglasses, media keys
    "\u2500-\u27bf"  # boxes, shapes, weather, check marks, stars
    "\u2b00-\u2bff"  # more arrows and stars
    "\U0001f000-\U0001faff"  # pictographs, flags, skin tones
    "\u200d\u20e3\ufe0e\ufe0f\U000e0020-\U000e007f"  # what joins and varies them
    "]+"
)
_SPACES = re.compile(r"\s+")
_SPACE_BEFORE_MARK = re.compile(r"(?<=\w) (?=[.,](?: |$))")
_SAYABLE = re.compile(r"\w")


def filter_markdown(text: str) -> str:
    """`text` without Markdown and HTML: marks go, words and the text of links stay, addresses lose scheme and query.

    Works on whole replies and on single sentences, in which a pair of marks may be torn apart.
    """
    text = _RULE.sub("", _FENCE.sub("", text))
    text = _LINE_MARK.sub("", text)
    text = _FOOTNOTE.sub("", _LINK.sub(r"\1", text))
    text = _TAG.sub(" ", _ADDRESS.sub(r"\1", text))
    return _tidy(_TABLE_BAR.sub(" ", _MARKUP.sub("", text)))


def filter_emoji(text: str) -> str:
    """`text` without emoji and other symbols that stand for no word, as a single line."""
    return _tidy(_SYMBOL.sub(" ", text))


def for_speech(text: str) -> str:
    """`text` without the Markdown and emoji that a voice would read out; empty when nothing is left to say."""
    text = filter_emoji(filter_markdown(text))
    return text if _SAYABLE.search(text) else ""


filter_for_tts = for_speech
"""The same, by the name it has beside the two that it is made of."""


def _tidy(text: str) -> str:
    return _SPACE_BEFORE_MARK.sub("", _SPACES.sub(" ", text).strip())
