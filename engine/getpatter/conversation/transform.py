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


def for_speech(text: str) -> str:
    """`text` without what a voice would read out wrongly; empty when nothing is left to say.

    Markdown loses its marks and keeps its words, links keep their text, addresses lose scheme and query, emoji and
    other symbols go.  Works on whole replies and on single sentences, in which a pair of marks may be torn apart.
    """
    text = _RULE.sub("", _FENCE.sub("", text))
    text = _LINE_MARK.sub("", text)
    text = _FOOTNOTE.sub("", _LINK.sub(r"\1", text))
    text = _TAG.sub(" ", _ADDRESS.sub(r"\1", text))
    text = _SYMBOL.sub(" ", _MARKUP.sub("", text))
    text = _SPACES.sub(" ", _TABLE_BAR.sub(" ", text)).strip()
    text = _SPACE_BEFORE_MARK.sub("", text)
    return text if _SAYABLE.search(text) else ""
