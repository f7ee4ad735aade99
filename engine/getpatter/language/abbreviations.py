"""What English abbreviations stand for when they are read out."""

from __future__ import annotations

import re
from collections.abc import Mapping

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

UNITS: Mapping[str, tuple[str, str]] = {
    "km": ("kilometer", "kilometers"),
    "m": ("meter", "meters"),
    "cm": ("centimeter", "centimeters"),
    "mm": ("millimeter", "millimeters"),
    "mi": ("mile", "miles"),
    "ft": ("foot", "feet"),
    "yd": ("yard", "yards"),
    "kg": ("kilogram", "kilograms"),
    "g": ("gram", "grams"),
    "mg": ("milligram", "milligrams"),
    "lb": ("pound", "pounds"),
    "lbs": ("pound", "pounds"),
    "oz": ("ounce", "ounces"),
    "l": ("liter", "liters"),
    "L": ("liter", "liters"),
    "ml": ("milliliter", "milliliters"),
    "mL": ("milliliter", "milliliters"),
    "gal": ("gallon", "gallons"),
    "mph": ("mile per hour", "miles per hour"),
    "km/h": ("kilometer per hour", "kilometers per hour"),
    "kWh": ("kilowatt hour", "kilowatt hours"),
    "kW": ("kilowatt", "kilowatts"),
    "W": ("watt", "watts"),
    "V": ("volt", "volts"),
    "Hz": ("hertz", "hertz"),
    "kHz": ("kilohertz", "kilohertz"),
    "MHz": ("megahertz", "megahertz"),
    "GHz": ("gigahertz", "gigahertz"),
    "KB": ("kilobyte", "kilobytes"),
    "MB": ("megabyte", "megabytes"),
    "GB": ("gigabyte", "gigabytes"),
    "TB": ("terabyte", "terabytes"),
    "Mbps": ("megabit per second", "megabits per second"),
    "Gbps": ("gigabit per second", "gigabits per second"),
    "ms": ("millisecond", "milliseconds"),
    "s": ("second", "seconds"),
    "sec": ("second", "seconds"),
    "secs": ("second", "seconds"),
    "min": ("minute", "minutes"),
    "mins": ("minute", "minutes"),
    "h": ("hour", "hours"),
    "hr": ("hour", "hours"),
    "hrs": ("hour", "hours"),
    "yr": ("year", "years"),
    "yrs": ("year", "years"),
    "sq ft": ("square foot", "square feet"),
    "sqft": ("square foot", "square feet"),
    "°C": ("degree Celsius", "degrees Celsius"),
    "°F": ("degree Fahrenheit", "degrees Fahrenheit"),
    "°": ("degree", "degrees"),
    "%": ("percent", "percent"),
}
"""Behind a number: said after one, and after any other."""

CURRENCIES: Mapping[str, tuple[str, str, str, str]] = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "¥": ("yen", "yen", "sen", "sen"),
    "₹": ("rupee", "rupees", "paisa", "paise"),
}
CURRENCY_CODES: Mapping[str, str] = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹"}
SCALES: Mapping[str, str] = {"k": "thousand", "m": "million", "mn": "million", "b": "billion", "bn": "billion"}

_START, _END = r"(?<![^\W\d_])", r"(?![^\W\d_])\.?"
"""Edges of a word of letters; digits may stand beside it."""
_NAME_AHEAD = r"\.?(?=\s+[A-Z])"
_ENDS_SENTENCE = r"(?=\s+[A-Z]|\s*$)"
_ROADS = (("Ave", "Avenue"), ("Blvd", "Boulevard"), ("Rd", "Road"), ("Ln", "Lane"), ("Hwy", "Highway"))

WORDS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b([0-9]+\s+(?:[NSEW]\.?\s+)?(?:[A-Z]\w+\s+){1,2})St\b\.?"), r"\1Street"),
    (re.compile(r"\bSt" + _NAME_AHEAD), "Saint"),
    (re.compile(r"\b([A-Z]\w+\s+)St\b\.?"), r"\1Street"),
    (re.compile(r"\bDr" + _NAME_AHEAD), "Doctor"),
    (re.compile(r"\bMr" + _NAME_AHEAD), "Mister"),
    (re.compile(r"\bMrs" + _NAME_AHEAD), "Missus"),
    (re.compile(r"\bProf" + _NAME_AHEAD), "Professor"),
    *((re.compile(rf"\b([A-Z]\w+\s+){short}\b\.?(?!{_ENDS_SENTENCE})"), rf"\1{long}") for short, long in _ROADS),
    *((re.compile(rf"\b([A-Z]\w+\s+){short}\b"), rf"\1{long}") for short, long in _ROADS),
    (re.compile(r"\b[Ee]\.g\.(?!\w)"), "for example"),
    (re.compile(r"\b[Ii]\.e\.(?!\w)"), "that is"),
    (re.compile(_START + r"etc\." + _ENDS_SENTENCE), "et cetera."),
    (re.compile(_START + r"etc" + _END), "et cetera"),
    (re.compile(_START + r"vs" + _END), "versus"),
    (re.compile(_START + r"approx" + _END), "approximately"),
    (re.compile(_START + r"appt" + _END), "appointment"),
    (re.compile(_START + r"([Dd])ept" + _END), r"\1epartment"),
    (re.compile(r"\b([Aa])pt\b\.?(?=\s+[#0-9A-Z])"), r"\1partment"),
    (re.compile(r"\bSte\b\.?(?=\s+[#0-9])"), "Suite"),
    (re.compile(r"\b([Nn])o\.\s?(?=[0-9])"), r"\1umber "),
    (re.compile(r"\b([Ee])xt\b\.?\s?(?=[0-9])"), r"\1xtension "),
    (re.compile(r"\bw/o\b"), "without"),
    (re.compile(r"\bw/(?:\s+|(?=[A-Za-z]))"), "with "),
)
"""Patterns and what takes their place, in order.  None matches what another one gives."""

SPELLED = frozenset(
    {"API", "ATM", "CEO", "CFO", "CTO", "DIY", "DOB", "EST", "ETA", "EU", "FAQ", "GPA", "GPS", "HR", "HTML", "ISBN"}
    | {"ICU", "ID", "IP", "IRS", "ISP", "IVR", "OTP", "PO", "QR", "RSVP", "SKU", "SMS", "SSN", "SUV", "TV", "UI"}
    | {"UK", "UPS", "URL", "USA", "USB", "USPS", "VAT", "VIN", "VIP", "VPN"}
)
"""Said letter by letter, besides those that have no vowel at all."""
NOT_SPELLED = frozenset({"MR", "MS", "MRS", "DR", "ST", "HMM", "HM", "SHH", "PSST", "NTH"})
"""Without a vowel, and yet no initials."""
