"""ElevenLabs' own voices by name.  Names are what people know; its API takes ids."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Final

from getpatter.errors import ConfigurationError

VOICES: Final[Mapping[str, str]] = {
    "adam": "pNInz6obpgDQGcFmaJgB",
    "alice": "Xb7hH8MSUJpSbSDYk0k2",
    "antoni": "ErXwobaYiN019PkySvjV",
    "aria": "9BWtsMINqrJLrRacOk9x",
    "arnold": "VR6AewLTigWG4xSOukaG",
    "bella": "EXAVITQu4vr4xnSDxMaL",
    "bill": "pqHfZKP75CvOlQylNhV4",
    "brian": "nPczCjzI2devNBz1zQrb",
    "callum": "N2lVS1w4EtoT3dr4eOWO",
    "charlie": "IKne3meq5aSn9XLyUdCD",
    "charlotte": "XB0fDUnXU5powFXDhCwa",
    "chris": "iP95p4xoKVk53GoZ742B",
    "clyde": "2EiwWnXFnvU5JabPnv8n",
    "daniel": "onwK4e9ZLuTAKqWW03F9",
    "dave": "CYw3kZ02Hs0563khs1Fj",
    "domi": "AZnzlk1XvdvUeBnXmlld",
    "dorothy": "ThT5KcBeYPX3keUQqHPh",
    "drew": "29vD33N1CtxCmqQRPOHJ",
    "elli": "MF3mGyEYCl7XYWbV9V6O",
    "emily": "LcfcDJNUP1GQjkzn1xUU",
    "eric": "cjVigY5qzO86Huf0OWal",
    "ethan": "g5CIjZEefAph4nQFvHAz",
    "fin": "D38z5RcWu1voky8WS1ja",
    "freya": "jsCqWAovK2LkecY7zXl4",
    "george": "JBFqnCBsd6RMkjVDRZzb",
    "gigi": "jBpfuIE2acCO8z3wKNLl",
    "giovanni": "zcAOhNBS3c14rBihAFp1",
    "glinda": "z9fAnlkpzviPz146aGWa",
    "grace": "oWAxZDx7w5VEj9dCyTzz",
    "harry": "SOYHLrjzK2X1ezoPC6cr",
    "james": "ZQe5CZNOzWyzPSCn5a3c",
    "jeremy": "bVMeCyTHy58xNoL34h3p",
    "jessica": "cgSgspJ2msm6clMCkdW9",
    "jessie": "t0jbNlBVZ17f02VDIeMI",
    "joseph": "Zlb1dXrM653N07WRdFW3",
    "josh": "TxGEqnHWrfWFTfGW9XjX",
    "laura": "FGY2WhTYpPnrIDTdsKH5",
    "liam": "TX3LPaxmHKxFdv7VOQHJ",
    "lily": "pFZP5JQG7iQjIQuC4Bku",
    "matilda": "XrExE9yKIg1WjnnlVkGX",
    "michael": "flq6f7yk4E4fJM5XTYuZ",
    "mimi": "zrHiDhphv9ZnVXBqCLjz",
    "nicole": "piTKgcLEGmPE4e6mEKli",
    "patrick": "ODq5zmih8GrVes37Dizd",
    "paul": "5Q0t7uMcjvnagumLfvZi",
    "rachel": "21m00Tcm4TlvDq8ikWAM",
    "river": "SAz9YHcvj6GT2YYXdXww",
    "roger": "CwhRBWXzGAHq8TQ4Fs17",
    "sam": "yoZ06aMxZJJ28mfd3POQ",
    "sarah": "EXAVITQu4vr4xnSDxMaL",
    "serena": "pMsXgVXv3BLzUgSXRplE",
    "thomas": "GBv7mTt0atIp3Br8iCZE",
    "will": "bIHbv24MWmeRgasZH58o",
}
"""The present default voices and those of earlier years, which accounts may still have.  Bella is what Sarah was called
before."""

DEFAULT_VOICE: Final = "sarah"
"""Every account has it, also one without a plan."""

_ID: Final = re.compile(r"[A-Za-z0-9]{20}")


def voice_id(voice: str) -> str:
    """The id of a voice given by name, in any case, or by id.  Raises `ConfigurationError`."""
    name = voice.strip()
    if known := VOICES.get(name.lower()):
        return known
    if _ID.fullmatch(name):
        return name
    near = difflib.get_close_matches(name.lower(), VOICES, n=3)
    did_you_mean = f" Did you mean {' or '.join(near)}?" if near else ""
    raise ConfigurationError(
        f"ElevenLabs has no default voice called {voice!r}, and an id has 20 letters and digits.{did_you_mean}",
        next_step=f"Pass an id from your voices there, or one of {', '.join(VOICES)}.",
    )
