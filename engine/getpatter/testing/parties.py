"""Simulated parties: who answers on the simulated telephone network, as data.

A party is a YAML file; the built-in ones lie in `parties/` beside this module, a user's own in `parties/` of
`PATTER_HOME`, where a file with the number of a built-in party replaces it.

    number: "+12025550100"
    name: Romano's restaurant
    rings: 2
    steps:
      - say: Hello, how can I help you?
      - listen
      - hang_up

A step is a word (`listen`) or a mapping whose first key is the step's name and whose other keys are its options.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError, model_validator

from getpatter.errors import CarrierError, ConfigurationError
from getpatter.testing.yaml_place import child, line

Seconds = Annotated[float, Field(ge=0, le=3600)]
Digits = Annotated[str, Field(pattern=r"^[0-9A-D*#]{1,32}$")]
Sentence = Annotated[str, Field(min_length=1, max_length=1000)]


class _Step(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _bare_key_means_its_default(cls, data: Any) -> Any:
        return {k: v for k, v in data.items() if v is not None} if isinstance(data, dict) else data


class Say(_Step):
    """Say a sentence."""

    text: Sentence = Field(alias="say")


class Play(_Step):
    """Play a mono 16-bit WAV file; a relative path counts from the party's file."""

    path: Path = Field(alias="play")
    text: str = ""
    """What is heard on it, for those who want to recognise it."""


class Beep(_Step):
    """The tone after which an answering machine records."""

    duration_s: Annotated[float, Field(gt=0, le=5)] = Field(0.4, alias="beep")


class Pause(_Step):
    """Say nothing for a while, whatever the agent does."""

    duration_s: Seconds = Field(0.5, alias="pause")


class Listen(_Step):
    """Wait until the agent has spoken and then been silent for `quiet_s`; `otherwise` follows if it never spoke."""

    quiet_s: Seconds = Field(0.6, alias="listen")
    longest_s: Seconds = 20.0
    otherwise: tuple[Step, ...] = ()


class Murmur(_Step):
    """Listen, and say a word of agreement each time the agent has spoken for another `every_s`."""

    text: Sentence = Field(alias="murmur")
    every_s: Annotated[float, Field(gt=0, le=3600)] = 1.2
    quiet_s: Seconds = 0.6
    longest_s: Seconds = 20.0


class Interrupt(_Step):
    """Say something once the agent has spoken for `after_s`.

    Given up after `longest_s`, and when the agent said less than that and has been silent for `quiet_s`.
    """

    text: Sentence = Field(alias="interrupt")
    after_s: Seconds = 1.0
    quiet_s: Seconds = 1.0
    longest_s: Seconds = 20.0


class Press(_Step):
    """Press keys, one every `gap_s`."""

    digits: Digits = Field(alias="press")
    gap_s: Seconds = 0.2
    once_asked: bool = False
    """Not before the carrier's own voice has begun to speak, as it does to whoever is to take a call over."""


class WaitForDigits(_Step):
    """Wait for keys and go on with the branch they name; `otherwise` follows when none is chosen in `longest_s`."""

    branches: Annotated[dict[Digits, tuple[Step, ...]], Field(alias="wait_for_digits", min_length=1)]
    longest_s: Seconds = 5.0
    otherwise: tuple[Step, ...] = ()


class Repeat(_Step):
    """The same steps several times."""

    times: Annotated[int, Field(ge=1, le=1000)] = Field(alias="repeat")
    steps: tuple[Step, ...]


class HangUp(_Step):
    """End the call.  A party without this step stays silently on the line until the agent hangs up."""

    hang_up: Literal[True] = True


_KINDS: dict[str, type[_Step]] = {
    "say": Say,
    "play": Play,
    "beep": Beep,
    "pause": Pause,
    "listen": Listen,
    "murmur": Murmur,
    "interrupt": Interrupt,
    "press": Press,
    "wait_for_digits": WaitForDigits,
    "repeat": Repeat,
    "hang_up": HangUp,
}


def _kind(data: Any) -> str | None:
    if isinstance(data, _Step):
        return next(name for name, kind in _KINDS.items() if type(data) is kind)
    return next((key for key in data if key in _KINDS), None) if isinstance(data, dict) else None


Step = Annotated[
    Annotated[Say, Tag("say")]
    | Annotated[Play, Tag("play")]
    | Annotated[Beep, Tag("beep")]
    | Annotated[Pause, Tag("pause")]
    | Annotated[Listen, Tag("listen")]
    | Annotated[Murmur, Tag("murmur")]
    | Annotated[Interrupt, Tag("interrupt")]
    | Annotated[Press, Tag("press")]
    | Annotated[WaitForDigits, Tag("wait_for_digits")]
    | Annotated[Repeat, Tag("repeat")]
    | Annotated[HangUp, Tag("hang_up")],
    Discriminator(
        _kind,
        custom_error_type="unknown_step",
        custom_error_message=f"no such step; a step is one of {', '.join(_KINDS)}",
    ),
]

for _kind_with_steps in (Listen, WaitForDigits, Repeat):
    _kind_with_steps.model_rebuild()


class Party(BaseModel):
    """Somebody, or something, with a telephone number."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: Annotated[str, Field(pattern=r"^\+[1-9]\d{6,14}$")]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    description: str = ""
    answers: Literal["person", "voicemail", "busy", "no_answer"] = "person"
    """`voicemail` answers like a person but is detected as a machine; its greeting ends at the `beep`."""
    rings: Annotated[int, Field(ge=0, le=100)] = 2
    """How often it rings before somebody answers or, with `no_answer`, before the network gives up."""
    ring_s: Annotated[float, Field(ge=0, le=60)] = 0.5
    """Length of one ring.  US networks ring every 6 s; the default keeps tests and demos short."""
    voice: str = "rms"
    """Which clips or which voice of the injected speech synthesis; the built-in clips have rms, awb and slt."""
    steps: tuple[Step, ...] = ()

    @property
    def picks_up(self) -> bool:
        return self.answers in ("person", "voicemail")

    @property
    def verdict(self) -> Literal["human", "machine"]:
        """What detection of answering machines makes of it."""
        return "machine" if self.answers == "voicemail" else "human"

    @property
    def sentences(self) -> tuple[str, ...]:
        """What the party may have to have synthesised, each sentence once."""
        spoken = (step.text for step in walk(self.steps) if isinstance(step, Say | Murmur | Interrupt))
        return tuple(dict.fromkeys(spoken))

    @property
    def phrases(self) -> tuple[str, ...]:
        """What may be heard from the party, recordings included."""
        played = (step.text for step in walk(self.steps) if isinstance(step, Play) and step.text)
        return tuple(dict.fromkeys((*self.sentences, *played)))


def walk(steps: Sequence[Step]) -> Iterator[Step]:
    """All steps, those inside others after the one that holds them."""
    for step in steps:
        yield step
        if isinstance(step, Repeat):
            yield from walk(step.steps)
        elif isinstance(step, Listen | WaitForDigits):
            for branch in step.branches.values() if isinstance(step, WaitForDigits) else ():
                yield from walk(branch)
            yield from walk(step.otherwise)


class Directory:
    """All parties of one network, by number."""

    def __init__(self, parties: Sequence[Party]) -> None:
        self._parties = {party.number: party for party in parties}

    @classmethod
    def load(cls, folder: Path | None = None) -> Directory:
        """The built-in parties and those in `folder`, where there is one; raises `ConfigurationError`."""
        own = sorted(folder.glob("*.y*ml")) if folder is not None else []
        return cls([*built_in(), *map(load_party, own)])

    def __iter__(self) -> Iterator[Party]:
        return iter(sorted(self._parties.values(), key=lambda party: party.number))

    def get(self, number: str) -> Party | None:
        """Whoever has this number, if anybody."""
        return self._parties.get(number)

    def find(self, number: str) -> Party:
        """Whoever has this number; raises `CarrierError` that names those who have one."""
        try:
            return self._parties[number]
        except KeyError:
            known = ", ".join(f"{party.number} ({party.name})" for party in self)
            raise CarrierError(
                f"Nobody on the simulated network has the number {number}. Known: {known}.",
                carrier_code="unknown_number",
                next_step="`getpatter sim list` shows whom you can call; a YAML file in PATTER_HOME/parties adds one.",
            ) from None


def built_in() -> list[Party]:
    """The parties that come with the package."""
    folder = resources.files("getpatter.testing").joinpath("parties")
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".yaml")), key=lambda file: file.name)
    return [parse_party(file.read_text("utf-8"), source=file.name) for file in files]


def load_party(path: Path) -> Party:
    """The party in a file; raises `ConfigurationError` that names the file, the line and what would work."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as unreadable:
        raise ConfigurationError(f"The party file {path} cannot be read: {unreadable}.") from unreadable
    return parse_party(text, source=str(path), folder=path.parent)


def parse_party(text: str, *, source: str, folder: Path | None = None) -> Party:
    """The party in YAML `text`; `source` is what an error calls it, `folder` where relative WAV paths begin."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.YAMLError as broken:
        raise ConfigurationError(f"{source} is not YAML: {' '.join(str(broken).split())}.") from None
    if not isinstance(data, dict):
        raise ConfigurationError(f"{source} must be a mapping with number, name and steps.")
    try:
        return Party.model_validate(_with_steps_spelled_out(data, folder))
    except RecursionError:
        raise ConfigurationError(f"{source} contains itself, by an alias.") from None
    except ValidationError as invalid:
        faults = [_fault(root, error["loc"], _advice(error["type"], error["msg"])) for error in invalid.errors()]
        raise ConfigurationError(
            f"{source} describes no party: {'; '.join(faults)}.",
            next_step="Correct the file; the built-in parties beside getpatter/testing/parties.py are examples.",
        ) from None


def _with_steps_spelled_out(data: Any, folder: Path | None) -> Any:
    """Bare words in lists of steps as mappings, WAV paths as absolute ones."""
    if isinstance(data, list):
        return [{item: None} if isinstance(item, str) else _with_steps_spelled_out(item, folder) for item in data]
    if isinstance(data, dict):
        spelled = {key: _with_steps_spelled_out(value, folder) for key, value in data.items()}
        if folder is not None and isinstance(spelled.get("play"), str):
            spelled["play"] = str(folder / spelled["play"])
        return spelled
    return data


def _advice(kind: str, message: str) -> str:
    # YAML takes an unquoted 0 or 12 for a number, and 010 for eight.
    return f"{message}, so put it in quotes" if kind == "string_type" else message


def _fault(root: yaml.Node | None, loc: tuple[int | str, ...], message: str) -> str:
    """What is wrong and where.  Pydantic's path has a step's kind behind its number, where the file has no key."""
    node, path, in_step = root, "", False
    for part in loc:
        if in_step and part in _KINDS:
            in_step = False
            continue
        in_step = isinstance(part, int)
        path += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if path else part
        node = child(node, part) or node
    return f"line {line(node)}, {path or 'the file'}: {message[0].lower()}{message[1:]}"
