from __future__ import annotations

import logging

import numpy as np
import pytest

pytest.importorskip("pocketsphinx", reason="the local extra is not installed")

from getpatter.stt.decoding import MASK, LanguageKnowledge, pronunciations, upsampled


def test_pronunciations_come_with_their_variants() -> None:
    found = pronunciations({"read", "table", "trattoria"})
    assert set(found) == {"read", "table"}
    assert [line.split()[0] for line in found["read"]] == ["read", "read(2)"]


def test_what_people_hum_can_be_recognised() -> None:
    assert set(pronunciations({"mm", "hm"})) == {"mm", "hm"}


def test_words_that_the_dictionary_lacks_are_counted_and_not_named(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        LanguageKnowledge(("Trattoria Roma",))
    assert "lacks 1 words" in caplog.text
    assert "trattoria" not in caplog.text.lower()
    assert "'roma'" not in caplog.text


def test_the_general_model_does_not_swear() -> None:
    assert LanguageKnowledge().written(["holy", "shit", "fucking", "table"]) == f"holy {MASK} {MASK} table"


def test_upsampling_doubles_every_sample() -> None:
    assert np.frombuffer(upsampled(b"\xff\x80"), "<i2").tolist() == [0, 0, 32124, 32124]
