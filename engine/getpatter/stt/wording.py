"""Written English as the words that are spoken: `7:30` is `seven thirty`."""

from __future__ import annotations

import re
import unicodedata

_UNITS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = (
    "zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
)  # fmt: skip
_SCALES = ((1_000_000, "million"), (1_000, "thousand"), (100, "hundred"))
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_SHORT = {"mr": "mister", "mrs": "missus", "dr": "doctor", "ok": "okay"}
_SIGNS = {"&": ["and"], "%": ["percent"], "@": ["at"], "+": ["plus"]}

_TOKEN = re.compile(
    r"""
      (?P<half_day>[ap]\.\s?m\b\.?|(?<=\d)\s*[ap]m\b)
    | (?P<hour>\d{1,2}):(?P<minute>\d{2})
    | \$(?P<dollars>\d[\d,]*)(?:\.(?P<cents>\d{2}))?
    | (?P<ordinal>\d+)(?:st|nd|rd|th)\b
    | (?P<whole>\d[\d,]*)(?:\.(?P<fraction>\d+))?
    | (?P<word>[a-z]+(?:'[a-z]+)*)
    | (?P<sign>[&%@+])
    """,
    re.VERBOSE,
)
MAX_CARDINAL_DIGITS = 4
"""Longer numbers without commas are read digit by digit, as telephone and order numbers are."""


def spoken_words(text: str) -> list[str]:
    """The words of `text`, lower case, without punctuation or accents, numbers written out."""
    plain = unicodedata.normalize("NFKD", text.replace("’", "'").replace("‘", "'"))
    plain = plain.encode("ascii", "ignore").decode().lower()
    return [word for token in _TOKEN.finditer(plain) for word in _spoken(token)]


def _spoken(token: re.Match[str]) -> list[str]:
    part = {name: value for name, value in token.groupdict().items() if value is not None}
    match part:
        case {"half_day": half_day}:
            return [f"{half_day.strip()[0]}.m."]
        case {"hour": hour, "minute": minute}:
            return _time(int(hour), int(minute))
        case {"dollars": amount}:
            return _money(_number(amount), part.get("cents", "00"))
        case {"ordinal": number}:
            return _ordinal(_number(number))
        case {"whole": whole, "fraction": fraction}:
            return [*_number(whole), "point", *(_UNITS[int(digit)] for digit in fraction)]
        case {"whole": whole}:
            return _number(whole)
        case {"word": word}:
            return [_SHORT.get(word, word)]
        case {"sign": sign}:
            return _SIGNS[sign]
    return []


def _time(hour: int, minute: int) -> list[str]:
    if minute == 0:
        return _cardinal(hour)
    return [*_cardinal(hour), *(["oh"] if minute < 10 else []), *_cardinal(minute)]


def _money(dollars: list[str], cents: str) -> list[str]:
    words = [*dollars, "dollar" if dollars == ["one"] else "dollars"]
    return words if cents == "00" else [*words, *_cardinal(int(cents)), "cents"]


def _number(digits: str) -> list[str]:
    plain = digits.replace(",", "")
    by_digit = "," not in digits and len(plain) > MAX_CARDINAL_DIGITS
    if by_digit or (plain[0] == "0" and len(plain) > 1) or len(plain) > 9:
        return [_UNITS[int(digit)] for digit in plain]
    return _cardinal(int(plain))


def _ordinal(cardinal: list[str]) -> list[str]:
    *front, last = cardinal
    plain = last.removesuffix("y") + "ie" if last.endswith("y") else last
    return [*front, _ORDINALS.get(last, plain + "th")]


def _cardinal(number: int) -> list[str]:
    if number < 20:
        return [_UNITS[number]]
    if number < 100:
        return [_TENS[number // 10], *(_cardinal(number % 10) if number % 10 else [])]
    size, name = next(scale for scale in _SCALES if scale[0] <= number)
    return [*_cardinal(number // size), name, *(_cardinal(number % size) if number % size else [])]
