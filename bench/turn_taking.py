"""Who is cut off, who waits, and who is not noticed: turn-taking on speech with noise and echo.

    .venv/bin/python bench/turn_taking.py [--quick] [--save FOLDER]

Recorded human speech in the telephone band, where it is there (else rendered sentences), on lines with noise at stated
levels below the speech, through the real voice activity model and the real conversation in the time of the audio.  All
figures are those of the rules: recogniser, language model and voice take no time.  Each has a target, and says whether
it is met.  `--save` writes the callers' lines with the times of their words, for other systems to be given.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import numpy as np
from heard_call import SECONDS_A_WORD, AllWords, ClipVoice, HeardCall, SpeakerPhone
from machine import shown
from noisy_lines import (
    Condition,
    Sound,
    Utterance,
    Word,
    cough,
    hum_of_agreement,
    recordings,
    rendered,
    save,
    silence,
)

from getpatter.agent import Agent, TurnSettings
from getpatter.audio.format import LINE
from getpatter.audio.smart_turn import SmartTurn
from getpatter.audio.vad import VoiceActivityModel
from getpatter.events import BargeIn, EndOfTurn, Event
from getpatter.testing.clock import ManualClock
from getpatter.testing.load import Spread
from getpatter.testing.providers import AnsweringLLM
from getpatter.turn_detection.base import TurnDetector

Row = tuple[str, float, str]

LEAD_S, TAIL_S = 1.0, 3.0
"""Of the line without speech, before and after an utterance."""
SNRS_DB = (20.0, 10.0, 5.0)
Groups = Mapping[str, Sequence[Condition]]
CLEAN: Groups = {"clean": (Condition("clean"),)}
STEADY: Groups = {f"white, hum {snr:g} dB": (Condition("white", snr), Condition("hum", snr)) for snr in SNRS_DB}
BABBLE: Groups = {f"babble {snr:g} dB": (Condition("babble", snr),) for snr in SNRS_DB}
ALL: Groups = {**CLEAN, **STEADY, **BABBLE}
FEW: Groups = {name: ALL[name] for name in ("clean", "white, hum 10 dB", "babble 20 dB")}
ECHOES = ((-12.0, 0.08), (-12.0, 0.3), (-25.0, 0.08), (-25.0, 0.3))
"""Level and delay of the agent's own voice."""
MONOLOGUE = tuple(f"{word}{number}" for number in range(10) for word in ("alpha", "bravo", "delta", "echo", "hotel"))
"""What the agent says while it is disturbed, 20 s: words that are no back-channel and no question."""
INTERRUPTED_AFTER_S = 3.0
PATIENCE_MS = 1000.0
"""How much later than by silence alone an end may be noticed where words or sound seem unfinished."""
EVERY_S = 4.0
"""From one cough, or one "mm-hm", to the next."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure is to be at most."""

    most: float

    def row(self, what: str, value: float, unit: str) -> Row:
        met = "met" if round(value, 3) <= self.most else "not met"
        return what, value, f"{unit} (target: at most {self.most:g}; {met})"


class InlineTurns:
    """The turn detector's model, without the thread that it has elsewhere: a judgement takes no time here."""

    name = "smart-turn"
    threshold = 0.5

    def __init__(self) -> None:
        self._model = SmartTurn()

    async def prepare(self) -> None:
        pass

    async def judge(self, audio: bytes, *, call_id: str = "") -> float | None:
        return self._model.probability(audio)

    async def close(self) -> None:
        pass


# -- endings


@dataclass(frozen=True, slots=True)
class Endpointing:
    """One way to tell the end of a turn."""

    vad_stop_s: float
    patience: bool = False
    detector: TurnDetector | None = None
    slack_ms: float = 0.0
    """How much later than by silence alone the last ones may be noticed."""

    def __str__(self) -> str:
        more = [name for name, on in (("patience", self.patience), ("smart-turn", self.detector)) if on]
        return ", ".join([f"stop {self.vad_stop_s:g} s", *more])

    def agent(self, words: AllWords) -> Agent:
        return Agent(
            system_prompt="You listen.",
            llm=AnsweringLLM(""),
            stt=words,
            tts=ClipVoice(),
            turns=TurnSettings(vad_stop_s=self.vad_stop_s, patience=self.patience, silence_timeout_s=60.0),
            turn_detector=self.detector,
        )


@dataclass(slots=True)
class Ends:
    """How the ends of some utterances were noticed."""

    delays_ms: list[float] = field(default_factory=list)
    utterances: int = 0
    cut: int = 0
    """Utterances of which a pause was taken for the end."""
    missed: int = 0

    def note(self, ended_s: float, decided: Iterable[float]) -> None:
        """The utterance was over at `ended_s`; turns were taken for complete at those times."""
        times = list(decided)
        self.utterances += 1
        self.cut += any(at < ended_s for at in times)
        late = [at for at in times if at >= ended_s]
        if late:
            self.delays_ms.append((late[0] - ended_s) * 1000)
        else:
            self.missed += 1

    def rows(self, what: str, endpointing: Endpointing) -> list[Row]:
        stop_ms, spread = endpointing.vad_stop_s * 1000, Spread.of(self.delays_ms)
        share = 100 / max(1, self.utterances)
        delays = (
            Target(stop_ms + 150).row(f"{what}: end noticed after, p50", spread.p50, "ms"),
            Target(stop_ms + 300 + endpointing.slack_ms).row(f"{what}: end noticed after, p95", spread.p95, "ms"),
        )
        return [
            *(delays if spread.count else ()),
            Target(10).row(f"{what}: cut in the middle", self.cut * share, "% of utterances"),
            Target(0).row(f"{what}: end missed", self.missed * share, "% of utterances"),
        ]


def with_pauses(utterance: Utterance, condition: Condition) -> Sound:
    return condition.on(np.concatenate((silence(LEAD_S), utterance.sound, silence(TAIL_S))))


async def listen(
    model: VoiceActivityModel, endpointing: Endpointing, utterance: Utterance, condition: Condition
) -> list[float]:
    """When turns were taken for complete, in seconds of the line."""
    clock = ManualClock()
    call = HeardCall(endpointing.agent(AllWords(clock, utterance.words_from(LEAD_S))), clock, model)
    await call.start()
    await call.hears(with_pauses(utterance, condition))
    await call.ends()
    return times(call, EndOfTurn)


def times(call: HeardCall, kind: type[Event]) -> list[float]:
    started = call.clock.wall() - call.clock.now()
    return [event.at - started for event in call.events if isinstance(event, kind)]


async def ends(model: VoiceActivityModel, way: Endpointing, groups: Groups) -> list[Row]:
    rows: list[Row] = []
    for name, conditions in groups.items():
        seen = Ends()
        for condition, utterance in product(conditions, speech()):
            seen.note(LEAD_S + utterance.seconds, await listen(model, way, utterance, condition))
        rows += seen.rows(f"{way}; {name}", way)
    return rows


# -- interruptions


async def disturbed(
    model: VoiceActivityModel, line: Sound, words: Sequence[Word] = (), echo: tuple[float, float] | None = None
) -> HeardCall:
    """The agent begins to speak with the line, and the caller says these words on it."""
    clock = ManualClock()
    recogniser = AllWords(clock, words)
    phone = SpeakerPhone(MONOLOGUE, recogniser, *echo) if echo is not None else None
    agent = Agent(
        system_prompt="You talk.",
        llm=AnsweringLLM(""),
        stt=recogniser,
        tts=ClipVoice(),
        first_message=" ".join(MONOLOGUE) + ".",
        turns=TurnSettings(silence_timeout_s=60.0),
    )
    call = HeardCall(agent, clock, model, phone)
    await call.start()
    await call.hears(line)
    await call.ends()
    return call


@dataclass(slots=True)
class Interruptions:
    """How callers who mean it are noticed."""

    delays_ms: list[float] = field(default_factory=list)
    callers: int = 0
    missed: int = 0

    def note(self, call: HeardCall) -> None:
        self.callers += 1
        stopped = [at for at in call.cleared if at >= INTERRUPTED_AFTER_S]
        if stopped and times(call, BargeIn):
            self.delays_ms.append((stopped[0] - INTERRUPTED_AFTER_S) * 1000)
        else:
            self.missed += 1

    def rows(self, what: str) -> list[Row]:
        spread = Spread.of(self.delays_ms)
        return [
            Target(150).row(f"{what}: interruption, voice to clear, p50", spread.p50, "ms"),
            Target(300).row(f"{what}: interruption, voice to clear, p95", spread.p95, "ms"),
            Target(2).row(f"{what}: interruption missed", 100 * self.missed / max(1, self.callers), "%"),
        ]


async def interruptions(model: VoiceActivityModel, groups: Groups) -> list[Row]:
    rows: list[Row] = []
    for name, conditions in groups.items():
        seen = Interruptions()
        for condition, utterance in product(conditions, speech()):
            line = np.concatenate((silence(INTERRUPTED_AFTER_S), utterance.sound, silence(TAIL_S)))
            seen.note(await disturbed(model, condition.on(line), utterance.words_from(INTERRUPTED_AFTER_S)))
        rows += seen.rows(name)
    return rows


@dataclass(slots=True)
class FalseOnes:
    """What stopped an agent whom nobody meant to interrupt."""

    seconds: float = 0.0
    pauses: int = 0
    taken: int = 0

    def note(self, call: HeardCall) -> None:
        self.seconds += len(call.played) / LINE.bytes_per_second
        self.pauses += len(call.cleared)
        self.taken += len(times(call, BargeIn))

    def rows(self, what: str, pauses: float) -> list[Row]:
        minutes = self.seconds / 60
        return [
            Target(pauses).row(f"{what}: false pauses", self.pauses / minutes, "per min of agent"),
            Target(0).row(f"{what}: turns taken", self.taken / minutes, "per min of agent"),
        ]


def repeated(sound: Sound, seconds: float) -> Sound:
    """The sound every `EVERY_S`, the first time after as long."""
    line = silence(seconds)
    for start in range(round(EVERY_S * LINE.rate), len(line) - len(sound), round(EVERY_S * LINE.rate)):
        line[start : start + len(sound)] += sound
    return line


async def false_ones(model: VoiceActivityModel, groups: Groups) -> list[Row]:
    seconds = len(MONOLOGUE) * SECONDS_A_WORD
    rows: list[Row] = []
    for name, conditions in groups.items():
        seen = FalseOnes()
        for condition in conditions:
            seen.note(await disturbed(model, condition.on(silence(seconds))))
        rows += seen.rows(f"{name}, nobody speaks", pauses=1)
    for name, sound, said in (("coughs", cough(), ""), ("back-channels", hum_of_agreement(), "mm-hm")):
        seen = FalseOnes()
        line = repeated(sound, seconds)
        length = len(sound) / LINE.rate
        starts = np.arange(EVERY_S, seconds - length, EVERY_S)
        words = [Word(said, start, start + length) for start in starts.tolist()] if said else []
        seen.note(await disturbed(model, Condition("clean").on(line), words))
        rows += seen.rows(f"{name} every {EVERY_S:g} s", pauses=60 / EVERY_S)
    for gain_db, delay_s in ECHOES:
        seen = FalseOnes()
        seen.note(await disturbed(model, Condition("clean").on(silence(seconds)), echo=(gain_db, delay_s)))
        rows += seen.rows(f"echo {gain_db:g} dB after {delay_s * 1000:g} ms", pauses=6)
    return rows


# -- all of it


def speech() -> Sequence[Utterance]:
    return recordings() or rendered()


def rows(*, quick: bool = False) -> list[Row]:
    return asyncio.run(_rows(quick=quick))


async def _rows(*, quick: bool) -> list[Row]:
    model, groups = VoiceActivityModel(), FEW if quick else ALL
    rows = await ends(model, Endpointing(0.2), groups)
    rows += await ends(model, Endpointing(0.5, patience=True, slack_ms=PATIENCE_MS), groups)
    if not quick:
        rows += await ends(model, Endpointing(0.5), FEW)
        rows += await ends(model, Endpointing(0.2, patience=True, slack_ms=PATIENCE_MS), FEW)
        rows += await ends(model, Endpointing(0.2, detector=InlineTurns(), slack_ms=PATIENCE_MS), FEW)
    return rows + await interruptions(model, groups) + await false_ones(model, groups)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer noises and settings")
    parser.add_argument("--save", type=Path, metavar="FOLDER", help="write the lines as WAV with lines.json and stop")
    options = parser.parse_args()
    if options.save:
        lines = {
            f"{utterance.name} {condition}".replace(" ", "-"): (
                with_pauses(utterance, condition),
                utterance.words_from(LEAD_S),
            )
            for utterance, conditions in product(speech(), ALL.values())
            for condition in conditions
        }
        save(options.save, lines)
        return
    print(f"{len(recordings())} recordings, {len(rendered())} rendered sentences; the recordings are used, if any")
    for what, value, unit in rows(quick=options.quick):
        print(f"{what:70} {shown(value):>8} {unit}")


if __name__ == "__main__":
    main()
