"""Numbers as English words, in the ways that people say them."""

from __future__ import annotations

from num2words import num2words

MAX_CARDINAL_DIGITS = 15
"""Longer ones are said digit by digit: nobody follows quintillions on the telephone."""

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def cardinal(digits: str) -> str:
    """ "1234" → one thousand two hundred thirty-four, without commas and without "and", the American way."""
    digits = digits.lstrip("0") or "0"
    if len(digits) > MAX_CARDINAL_DIGITS:
        return each_digit(digits)
    return _plain(num2words(int(digits), lang="en"))


def decimal(digits: str) -> str:
    """ "3.05" → three point zero five; more points make a version: two point one point three."""
    whole, *rest = digits.split(".")
    return " point ".join([cardinal(whole or "0"), *map(each_digit, rest)])


def ordinal(digits: str) -> str:
    """ "21" → twenty-first."""
    if len(digits.lstrip("0")) > MAX_CARDINAL_DIGITS:
        return each_digit(digits)
    return _plain(num2words(int(digits), lang="en", to="ordinal"))


def each_digit(digits: str) -> str:
    """ "4821" → four eight two one."""
    return " ".join(_DIGITS[int(digit)] for digit in digits)


def paired(digits: str) -> str:
    """Three or four digits as years and rooms are said: "1985" nineteen eighty-five, "204" two oh four, "2000"
    two thousand."""
    head, tail = digits[:-2], digits[-2:]
    if digits.startswith("0"):
        return each_digit(digits)
    if head.endswith("0") and tail.startswith("0"):
        return cardinal(digits)
    return f"{cardinal(head)} hundred" if tail == "00" else f"{cardinal(head)} {minutes(tail)}"


def minutes(digits: str) -> str:
    """Two digits behind an hour: "05" → oh five."""
    return f"oh {_DIGITS[int(digits[1])]}" if digits[0] == "0" else cardinal(digits)


def plural(word: str) -> str:
    """ "ninety" → nineties."""
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"


def _plain(words: str) -> str:
    return words.replace(",", "").replace(" and ", " ")
