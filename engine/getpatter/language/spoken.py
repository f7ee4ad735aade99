"""Written English as it is said: numbers, times, dates, money, telephone numbers, units and abbreviations.

For voices that read such things badly; most hosted ones read them well and need none of this.  The rules run in order,
from the most particular (an address, a telephone number) to the plainest (a number), until none finds anything more:
text that was made ready stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

import phonenumbers

from getpatter.language import numerals
from getpatter.language.abbreviations import (
    CURRENCIES,
    CURRENCY_CODES,
    DAYS,
    MONTHS,
    NOT_SPELLED,
    SCALES,
    SPELLED,
    UNITS,
    WORDS,
)


def spoken(text: str, language: str = "en-US") -> str:
    """`text` as it is said in `language`; other languages than English are returned untouched.

    Numbers come out the American way.  No word is lost, and no digit is left; a date that could be read in two ways
    is said part by part.
    """
    return spoken_english(text) if language.lower().split("-")[0] == "en" else text


def spoken_english(text: str) -> str:
    """The same for `Agent.text_transforms`, which takes functions of a text alone."""
    said = _pass(text)
    while said != text:  # a word that was glued to a number stands free now and may be an abbreviation
        text, said = said, _pass(said)
    return said


def _pass(text: str) -> str:
    for pattern, say in _RULES:
        text = pattern.sub(say, text)
    return text


# -- building blocks

_NUMBER = r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?(?![0-9])|[0-9]+(?:\.[0-9]+)?)"
_MONTH = rf"({'|'.join(MONTHS)}|Sept|{'|'.join(name[:3] for name in MONTHS)})\b(?:\.(?=,?\s*[a-z0-9,]))?"
_DAY = rf"({'|'.join(f'{name[:3]}(?:{name[3:-3]})?(?:day)?' for name in DAYS)}|Tues|Thurs?)"
_SYMBOLS = "".join(CURRENCIES)
_HALF = r"\s?([AaPp])\.?[Mm]\b\.?"


def _number(written: str) -> str:
    written = written.replace(",", "")
    return numerals.decimal(written) if "." in written else numerals.cardinal(written)


def _month(name: str) -> str:
    return next(month for month in MONTHS if month.startswith(name[:3]))


def _counted(written: str, one: str, many: str) -> str:
    return f"{_number(written)} {one if written == '1' else many}"


# -- addresses and telephone numbers


def _address(match: re.Match[str]) -> str:
    said = match[0].replace("@", " at ").replace(".", " dot ").replace("/", " slash ")
    return said.replace("-", " dash ").replace("_", " underscore ").replace("+", " plus ").strip()


def _telephone(match: re.Match[str]) -> str:
    written = match["number"]
    groups = _groups(written)
    said = ", ".join(numerals.each_digit(group) for group in groups)
    if written.startswith("+"):
        said = f"plus {said}"
    return f"{said}, extension {numerals.each_digit(match['extension'])}" if match["extension"] else said


def _groups(written: str) -> list[str]:
    """The digits of a telephone number as its country groups them."""
    if written.startswith("+"):
        try:
            parsed = phonenumbers.parse(written)
        except phonenumbers.NumberParseException:
            pass
        else:
            written = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    digits = re.findall(r"[0-9]+", written)
    return [part for group in digits for part in _chunks(group)]


def _chunks(digits: str) -> list[str]:
    """Threes, with the rest in the last: 2025550104 → 202 555 0104."""
    cuts = range(0, max(1, len(digits) - 1), 3)
    starts = [cut for cut in cuts if cut == 0 or len(digits) - cut >= 3]
    return [digits[start:end] for start, end in zip(starts, [*starts[1:], len(digits)], strict=True)]


# -- times and dates


def _clock_time(match: re.Match[str]) -> str:
    hour, minute, second, half = match.groups()
    if int(hour) > 24:
        return f"{numerals.cardinal(hour)} {numerals.minutes(minute)}"
    said = numerals.cardinal(hour)
    if minute != "00":
        said += f" {numerals.minutes(minute)}"
    elif not half:
        said += " hundred" if int(hour) > 12 or hour.startswith("0") else " o'clock"
    if second:
        said += f" and {_counted(second.lstrip('0') or '0', 'second', 'seconds')}"
    return f"{said} {half.lower()}.m." if half else said


def _hour(match: re.Match[str]) -> str:
    return f"{numerals.cardinal(match[1])} {match[2].lower()}.m."


def _date_words(year: int | None, month: int, day: int) -> str:
    said = f"{MONTHS[month - 1]} {numerals.ordinal(str(day))}"
    return said if year is None else f"{said}, {numerals.paired(str(year))}"


def _iso_date(match: re.Match[str]) -> str:
    year, month, day = (int(part) for part in match.groups())
    return _date_words(year, month, day) if _is_date(year, month, day) else _parts(match[0])


def _numeric_date(match: re.Match[str]) -> str:
    """Read where there is one way to read it: one of the parts is no month, both are the same, or dots divide them,
    which puts the day first wherever it is in use."""
    first, mark, second, year = int(match[1]), match[2], int(match[3]), int(match[4])
    if first == second or mark == "." or (first > 12 >= second):
        day, month = first, second
    elif second > 12 >= first:
        month, day = first, second
    else:
        return _parts(match[0])
    return _date_words(year, month, day) if _is_date(year, month, day) else _parts(match[0])


def _parts(written: str) -> str:
    marks = {"/": "slash", "-": "dash", ".": "dot"}
    return " ".join(marks.get(part) or _plain_integer(part) for part in re.split(r"([/.-])", written))


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return year >= 1000


def _month_first(match: re.Match[str]) -> str:
    name, day, year = match.groups()
    said = f"{_month(name)} {numerals.ordinal(day)}"
    return f"{said}, {numerals.paired(year)}" if year else said


def _day_first(match: re.Match[str]) -> str:
    article, day, name, year = match.groups()
    said = f"{article or 'the '}{numerals.ordinal(day)} of {_month(name)}"
    return f"{said}, {numerals.paired(year)}" if year else said


def _month_year(match: re.Match[str]) -> str:
    return f"{_month(match[1])} {numerals.paired(match[2])}"


def _day_name(written: str) -> str:
    return next(day for day in DAYS if day.startswith(written[:3]))


def _day_range(match: re.Match[str]) -> str:
    return f"{_day_name(match[1])} to {_day_name(match[2])}"


def _decade(match: re.Match[str]) -> str:
    digits = match[1]
    return numerals.plural(numerals.paired(digits) if len(digits) == 4 else numerals.cardinal(digits))


# -- amounts


def _money(match: re.Match[str]) -> str:
    return _amount(match["symbol"], match["number"], match["scale"])


def _money_code(match: re.Match[str]) -> str:
    return _amount(CURRENCY_CODES.get(match["symbol"], match["symbol"]), match["number"], None)


def _amount(symbol: str, written: str, scale: str | None) -> str:
    one, many, small_one, small_many = CURRENCIES[symbol]
    if written[-3:-2] == ",":  # the continental comma of prices
        written = written.replace(",", ".")
    if scale:
        return f"{_number(written)} {SCALES.get(scale.lower(), scale.lower())} {many}"
    whole, point, small = written.replace(",", "").partition(".")
    if len(small) != 2:
        return f"{_number(written)} {one if written == '1' and not point else many}"
    coins = _counted(small.lstrip("0") or "0", small_one, small_many)
    if int(whole) == 0 and int(small):
        return coins
    notes = _counted(whole.lstrip("0") or "0", one, many)
    return f"{notes} and {coins}" if int(small) else notes


def _quantity(match: re.Match[str]) -> str:
    return _counted(match[1], *UNITS[re.sub(r"\s+", " ", match[2])])


def _range(match: re.Match[str]) -> str:
    """What stands before the upper end of a range, which follows; the currency is said once, behind both."""
    symbol, low, unit, dash = match["symbol"], match["low"], match["unit"], match["dash"]
    if "-" in dash and "m" not in unit.lower() and _value(low) >= _value(match["high"]):
        return f"{symbol}{low}{unit}{' minus ' if dash != dash.strip() else '-'}"
    return f"{low}{unit} to {'' if match['high_symbol'] else symbol}"


def _value(written: str) -> float:
    return float(written.replace(",", "").replace(":", "."))


_FRACTIONS = {"1/2": "one half", "1/3": "one third", "2/3": "two thirds", "1/4": "one quarter", "3/4": "three quarters"}


def _slashed(match: re.Match[str]) -> str:
    if match[0] == "24/7":
        return "twenty-four seven"
    return _FRACTIONS.get(match[0]) or _parts(match[0])


# -- codes and plain numbers


def _identifier(match: re.Match[str]) -> str:
    return match[1] + ", ".join(numerals.each_digit(group) for group in re.findall(r"[0-9]+", match[2]))


def _place(match: re.Match[str]) -> str:
    return match[1] + numerals.paired(match[2])


def _version(match: re.Match[str]) -> str:
    said = " point ".join(numerals.cardinal(part) for part in match[2].split("."))
    return f"version {said}" if match[1] else said


def _code(match: re.Match[str]) -> str:
    return " ".join(_code_part(part) for part in re.findall(r"[0-9]+|[^\W\d_]+", match[0]))


def _code_part(part: str) -> str:
    if not ("0" <= part[0] <= "9"):
        return " ".join(part) if part.isupper() and len(part) <= 3 else part
    return numerals.each_digit(part) if len(part) >= 3 or part.startswith("0") else numerals.cardinal(part)


def _initials(match: re.Match[str]) -> str:
    word, ending = match.groups()
    vowel = any(letter in "AEIOUY" for letter in word)
    if word in SPELLED or not (vowel or word in NOT_SPELLED):
        return " ".join(word) + ending
    return match[0]


def _plain(match: re.Match[str]) -> str:
    written = match[0]
    return _number(written) if "," in written or "." in written else _plain_integer(written)


def _plain_integer(digits: str) -> str:
    """Long numbers without commas are mostly names of things (postcodes, orders), and 1900 to 2099 years."""
    if len(digits) == 4 and digits[:2] in ("19", "20"):
        return numerals.paired(digits)
    if (len(digits) > 4 and not digits.endswith("000")) or (digits.startswith("0") and len(digits) > 1):
        return numerals.each_digit(digits)
    return numerals.cardinal(digits)


def _apart(match: re.Match[str]) -> str:
    """A digit that was left within a word."""
    return f" {numerals.each_digit(match[0])} "


_EXTENSION = r"(?:,?\s*(?:ext\.?|extension|x)\s*(?P<extension>[0-9]{1,6})\b)?"
_TOP_LEVELS = "com|org|net|edu|gov|io|ai|app|dev|info|eu|uk|ca|de|fr|es"
_IDENTIFIED = "code|pin|zip|account|extension|confirmation|reference|passcode|ticket|tracking|number"
_PLACES = "room|suite|apartment|unit|flight|gate|highway|route|interstate"
_PER = "second|minute|hour|day|week|month|quarter|year|night|person|user|call"
_ALONE = r"(?![\w/-]|[.,][0-9])"
"""Behind a number that is not part of a longer one."""
_YEAR = rf"([12][0-9]{{3}}){_ALONE}"
_TH = "(?:st|nd|rd|th)?"
_TIMED = rf"{_NUMBER}(?::[0-9]{{2}})?"
_UNIT = "|".join(re.escape(unit).replace(r"\ ", r"\s") for unit in sorted(UNITS, key=len, reverse=True))
_PRICE = rf"(?:[0-9]+,[0-9]{{2}}(?![0-9])|{_NUMBER})"
_SCALE = "million|billion|trillion|thousand|hundred|bn|mn|[kKmMbB]"

_Say = str | Callable[[re.Match[str]], str]


def _rule(pattern: str, say: _Say) -> tuple[re.Pattern[str], _Say]:
    return re.compile(pattern), say


_ADDRESSES = (
    _rule(r"[\w.+-]*\w@\w[\w-]*(?:\.[\w-]*\w)+", _address),
    _rule(rf"(?<![\w@.])(?:[A-Za-z0-9-]+\.)+(?:{_TOP_LEVELS})\b(?:/[\w/.-]*\w)?(?!\w)", _address),
    _rule(rf"(?<![\w+])(?P<number>\+[0-9](?:[ ().-]{{0,2}}[0-9]){{6,14}})(?![0-9]){_EXTENSION}", _telephone),
    _rule(
        r"(?<![\w+.,$€£-])(?P<number>(?:1[ .-])?(?:\([0-9]{3}\) ?|[0-9]{3}[ .-])?[0-9]{3}[.-][0-9]{4}"
        rf"|(?:1[ .-])?[0-9]{{3}} [0-9]{{3}} [0-9]{{4}}|[2-9][0-9]{{9}}){_ALONE}{_EXTENSION}",
        _telephone,
    ),
)
_DATES = (
    _rule(r"(?<![\w/.-])([0-9]{4})-([0-9]{2})-([0-9]{2})" + _ALONE, _iso_date),
    _rule(r"(?<![\w/.-])([0-9]{1,2})([/.-])([0-9]{1,2})\2([0-9]{4})" + _ALONE, _numeric_date),
    _rule(rf"\b{_DAY}\.?\s?[-–—]\s?{_DAY}\b\.?", _day_range),
    _rule(rf"\b{_DAY}\b\.?(?=,?\s+[0-9])", lambda match: _day_name(match[1])),
    _rule(rf"\b{_MONTH}\s+([0-9]{{1,2}}){_TH}(?![\w:/–-]|[.,][0-9])(?:,?\s+{_YEAR})?", _month_first),
    _rule(rf"(?<![\w.,:/-])([Tt]he )?([0-9]{{1,2}}){_TH}\s+(?:of\s+)?{_MONTH}(?:,?\s+{_YEAR})?", _day_first),
    _rule(rf"\b{_MONTH}\s+{_YEAR}", _month_year),
    _rule(r"(?<!\w)['’]?([0-9]0|[12][0-9]{2}0)s\b", _decade),
)
_CODES = (
    _rule(
        rf"(?i)\b((?:{_IDENTIFIED})(?: number| code| id)?(?: is)?[: #]+)"
        r"([0-9]{2,}(?:[ -][0-9]{2,})+|[0-9]{3,})(?![\w%]|[.,:/][0-9])",
        _identifier,
    ),
    _rule(rf"(?i)\b((?:{_PLACES})\s+#?)([0-9]{{3,4}}){_ALONE}", _place),
    _rule(r"\b([vV])(?:ersion\s+)?([0-9]+(?:\.[0-9]+)+)(?!\w)", _version),
    _rule(r"\b(v)([0-9]+)(?!\w|\.[0-9])", _version),
    _rule(r"(?<![\w.])()([0-9]+(?:\.[0-9]+){2,})(?!\w)", _version),
)
_AMOUNTS = (
    _rule(rf"(?<=[0-9])/(?=(?:{_PER})\b)", " per "),
    _rule(
        rf"(?<![\w.,:/-])(?P<symbol>[{_SYMBOLS}]?)(?P<low>{_TIMED})(?P<unit>%|\s?[AaPp]\.?[Mm]\b\.?|)"
        rf"(?P<dash>\s?[-–—]\s?)(?=(?P<high_symbol>[{_SYMBOLS}]?)(?P<high>{_TIMED})(?!\w*[-–—][0-9]))",
        _range,
    ),
    _rule(rf"(?<![\w.:])([0-9]{{1,2}}):([0-5][0-9])(?::([0-5][0-9]))?(?![0-9:])(?:{_HALF})?", _clock_time),
    _rule(rf"(?<![\w.:])([0-9]{{1,2}}){_HALF}", _hour),
    _rule(rf"(?<![\w)])[-−](?=[{_SYMBOLS}]?[0-9])", "minus "),
    _rule(rf"(?P<symbol>[{_SYMBOLS}])\s?(?P<number>{_PRICE})(?:\s?(?P<scale>{_SCALE})\b)?", _money),
    _rule(rf"(?<![\w.,])(?P<number>{_PRICE})\s?(?P<symbol>{'|'.join(CURRENCY_CODES)})\b", _money_code),
    _rule(rf"(?<![\w.,])(?P<number>{_PRICE})\s?(?P<symbol>[{_SYMBOLS}])", _money_code),
    _rule(rf"(?<![\w.,])({_NUMBER})\s?({_UNIT})(?!\w)", _quantity),
    _rule(r"(?<![\w.,/])[0-9]{1,4}/[0-9]{1,4}(?![\w/]|[.,][0-9])", _slashed),
    _rule(r"(?<![\w.,])([0-9]+)(?:st|nd|rd|th)\b", lambda match: numerals.ordinal(match[1])),
)
_REST = (
    _rule(r"#(?=[0-9])", "number "),
    _rule(r"~(?=[0-9])", "about "),
    _rule(r"(?<=[0-9])\s?[x×]\s?(?=[0-9])", " by "),
    _rule(r"(?<=[0-9])\s?\+", " plus"),
    _rule(r"(?<=\s)=(?=\s)", "equals"),
    _rule(r"\s?&\s?(?!\w+;)", " and "),
    _rule(r"(?<!\w)(?=[^\W_]*[0-9])(?=[^\W_]*[^\W\d_])[^\W_]+(?!\w)", _code),
    _rule(r"(?<![\w.])\.([0-9]+)(?!\w)", lambda match: f"point {numerals.each_digit(match[1])}"),
    _rule(rf"(?<!\w){_NUMBER}(?!\w)", _plain),
    _rule(r"[0-9]+", _apart),
    _rule(r"(?<![\w'’.])([A-Z]{2,5})(s?)(?![\w'’])", _initials),
)

_RULES: tuple[tuple[re.Pattern[str], _Say], ...] = (*_ADDRESSES, *WORDS, *_DATES, *_CODES, *_AMOUNTS, *_REST)
