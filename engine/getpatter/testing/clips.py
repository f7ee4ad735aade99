"""Sentences of the built-in parties, rendered beforehand by `scripts/render_clips.py`.

Each lies in `clips/` as 8 kHz µ-law without a header, named after its voice and words, so that a changed sentence
does not find an old clip.
"""

from __future__ import annotations

import hashlib
from importlib import resources


def clip_name(voice: str, text: str) -> str:
    """The file of a sentence in a voice."""
    key = hashlib.sha256(f"{voice}\n{text}".encode()).hexdigest()
    return f"{voice}-{key[:16]}.ulaw"


def load_clip(voice: str, text: str) -> bytes | None:
    """µ-law audio trimmed to the speech, at about -20 dBFS; None when nobody rendered this sentence."""
    file = resources.files("getpatter.testing").joinpath("clips", clip_name(voice, text))
    return file.read_bytes() if file.is_file() else None
