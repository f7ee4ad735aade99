"""PocketSphinx decoders.  They hold the interpreter lock while they work, so this is for worker processes only."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pocketsphinx

from getpatter.audio.format import LINE
from getpatter.audio.g711 import MULAW_TO_PCM16
from getpatter.stt.phrasebook import Phrasebook
from getpatter.stt.trigram import trigram_arpa
from getpatter.stt.wording import spoken_words

log = logging.getLogger(__name__)

RATE = 16000
"""Of the acoustic model."""
MAX_SEGMENT_S = 30.0
"""A decoder's memory and its last passes grow with the utterance, so that a longer one is decoded in segments."""
PHRASE_WEIGHTS = {"lw": 10.0, "fwdflatlw": 12.0}
"""The language model's weight against the sound's in both passes: more than the usual 6.5 and 8.5, since phrases are
what is expected.  Of 40 sentences (ten by each of four voices, none of them used to choose the weights) 38 came out
right, 35 with the usual ones."""
INTERJECTIONS = {"mm": ["mm M\n"], "hm": ["hm HH M\n"]}
"""What people say on the telephone and the dictionary lacks, in its notation (ARPAbet)."""
MASK = "***"
# The general model hears these in noise, where nobody said them.
_PROFANE = ("fuck", "shit", "cunt", "bitch", "nigger", "faggot", "cocksucker", "asshole", "bastard", "dick", "piss")


class LanguageKnowledge:
    """Makes decoders for one set of phrases, or for English in general, and keeps those that are not in use.

    Decoders are large (some 30 MB with phrases, 90 MB without), and a call needs one only while somebody speaks, so
    calls with the same phrases take turns with them.
    """

    def __init__(self, phrases: tuple[str, ...] = ()) -> None:
        self._idle: list[Any] = []
        self._pronunciations = pronunciations({word for phrase in phrases for word in spoken_words(phrase)})
        self._book = Phrasebook(phrases, self._pronunciations)
        lacking = {word for phrase in phrases for word in spoken_words(phrase)} - set(self._pronunciations)
        if lacking:  # their number only: names of people are among them
            log.info("the dictionary lacks %d words of the expected phrases", len(lacking))

    def borrow(self) -> Any:
        """A `pocketsphinx.Decoder`."""
        return self._idle.pop() if self._idle else self._new_decoder()

    def give_back(self, decoder: Any) -> None:
        self._idle.append(decoder)

    def written(self, words: list[str]) -> str:
        """Recognised words as they are shown."""
        if self._book.sentences:
            return self._book.written(words)
        return " ".join(MASK if word.startswith(_PROFANE) else word for word in words)

    def _new_decoder(self) -> Any:
        if not self._book.sentences:
            return pocketsphinx.Decoder(samprate=RATE, loglevel="FATAL")
        with tempfile.TemporaryDirectory(prefix="patter-phrases-") as folder:
            model, dictionary = Path(folder, "phrases.lm"), Path(folder, "phrases.dict")
            model.write_text(trigram_arpa(self._book.sentences))
            dictionary.write_text("".join(line for lines in self._pronunciations.values() for line in lines))
            return pocketsphinx.Decoder(
                samprate=RATE, loglevel="FATAL", lm=str(model), dict=str(dictionary), **PHRASE_WEIGHTS
            )


def pronunciations(words: Iterable[str]) -> dict[str, list[str]]:
    """The dictionary's lines for those of `words` that it has, variants (`read(2)`) included."""
    wanted = set(words)
    found = {word: lines for word, lines in INTERJECTIONS.items() if word in wanted}
    if not wanted:
        return found
    with open(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict")) as dictionary:
        for line in dictionary:
            word = line.split(" ", 1)[0].split("(", 1)[0]
            if word in wanted:
                found.setdefault(word, []).append(line)
    return found


def upsampled(mulaw: bytes) -> bytes:
    """8 kHz µ-law as pcm16 at `RATE`, each sample twice.

    The model's own starting mean fits speech with the mirror image that this leaves above 4 kHz: of 40 sentences with
    phrases 38 came out right.  A clean upsampler needs a starting mean of its own; with the model's it got 25.
    """
    return np.repeat(MULAW_TO_PCM16[np.frombuffer(mulaw, np.uint8)], RATE // LINE.rate).tobytes()


class Utterance:
    """What one speaker says from one `finish` to the next, on a decoder that is held only in between.

    The decoder's running mean of the cepstrum, which adapts it to a voice and a line, goes with the speaker.
    """

    def __init__(self, knowledge: LanguageKnowledge) -> None:
        self._knowledge = knowledge
        self._decoder: Any = None
        self._mean = ""
        self._words: list[str] = []
        self._segment_bytes = 0

    def feed(self, mulaw: bytes) -> None:
        """Decode 8 kHz µ-law."""
        if self._decoder is None:
            self._begin()
        pcm16 = upsampled(mulaw)
        self._decoder.process_raw(pcm16, False, False)
        self._segment_bytes += len(pcm16)
        if self._segment_bytes >= MAX_SEGMENT_S * RATE * 2:
            self._end()

    def so_far(self) -> str:
        """What it sounds like up to now."""
        return self._knowledge.written(self._words + (_hypothesis(self._decoder) if self._decoder else []))

    def finish(self) -> str:
        """The text, possibly empty; the next `feed` begins a new utterance."""
        self._end()
        words, self._words = self._words, []
        return self._knowledge.written(words)

    def abandon(self) -> None:
        """Let go of the decoder without a result."""
        if self._decoder is not None:
            self._decoder.end_utt()
            self._release()

    def _begin(self) -> None:
        self._decoder = self._knowledge.borrow()
        self._decoder.set_cmn(self._mean or self._decoder.config["cmninit"])
        self._decoder.start_utt()

    def _end(self) -> None:
        if self._decoder is None:
            return
        self._decoder.end_utt()
        self._words += _hypothesis(self._decoder)
        self._mean = self._decoder.get_cmn(False)
        self._release()

    def _release(self) -> None:
        self._knowledge.give_back(self._decoder)
        self._decoder = None
        self._segment_bytes = 0


def _hypothesis(decoder: Any) -> list[str]:
    found = decoder.hyp()
    return found.hypstr.split() if found and found.hypstr else []
