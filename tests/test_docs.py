"""The papers say what the code does."""

from __future__ import annotations

import ast
import inspect
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from packaging.requirements import Requirement
from pydantic import AliasChoices, SecretStr
from pydantic.fields import FieldInfo
from typer.core import TyperGroup
from typer.main import get_command

from getpatter.calls.policy import EMERGENCY
from getpatter.carriers.accounts import ACCOUNTS
from getpatter.carriers.plivo.carrier import PlivoCarrier
from getpatter.carriers.plivo.media import PlivoMediaCodec
from getpatter.carriers.telnyx.carrier import TelnyxCarrier
from getpatter.carriers.telnyx.media import TelnyxMediaCodec
from getpatter.carriers.twilio.carrier import TwilioCarrier
from getpatter.carriers.twilio.media import TwilioMediaCodec
from getpatter.cli.main import app
from getpatter.events import DismissedAs
from getpatter.observability.conversation_state import AgentState, UserState
from getpatter.observability.latency import PARTS
from getpatter.observability.stages import Stage
from getpatter.sdk.callbacks import CallbackOptions
from getpatter.sdk.speech_events import SpeechEvents
from getpatter.settings import Settings, default_home
from getpatter.testing import parties
from getpatter.testing.parties import built_in, parse_party, walk
from patter_mcp.server import TOOLS
from patter_mcp.tools import CallTools

ROOT = Path(__file__).parent.parent
PAPERS = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "skills/*.md", "dashboard-app/*.md", "engine/**/*.md")
    for path in ROOT.glob(pattern)
)


def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def section(paper: str, heading: str) -> str:
    """What stands under a heading, up to the next one of any depth."""
    match = re.search(rf"^#+ {re.escape(heading)}$(.*?)(?=^#|\Z)", text(paper), re.M | re.S)
    assert match, f"{paper} has no heading {heading!r}"
    return match[1]


def rows(markdown: str) -> list[list[str]]:
    """The cells of all tables, without their heads."""
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    rules = [number for number, row in enumerate(cells) if all(re.fullmatch("-+", cell) for cell in row)]
    return [row for number, row in enumerate(cells) if number not in rules and number + 1 not in rules]


def code(cell: str) -> str:
    return cell.strip("`")


# -- settings


def variable(name: str, field: FieldInfo) -> str:
    alias = field.validation_alias
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"PATTER_{name.upper()}"


def shown_default(field: FieldInfo) -> str:
    match field.default:
        case bool() as switch:
            return str(switch).lower()
        case float() as number:
            return f"{number:g}"
        case SecretStr() as secret:
            return secret.get_secret_value()
        case value:
            return str(value)


def test_the_readme_lists_all_settings_with_their_defaults() -> None:
    listed = {code(name): code(default) for name, default, _ in rows(section("README.md", "Settings"))}
    fields = {variable(name, field): field for name, field in Settings.model_fields.items()}
    assert list(listed) == list(fields)
    del listed["PATTER_HOME"], fields["PATTER_HOME"]
    assert listed == {name: shown_default(field) for name, field in fields.items()}


@pytest.mark.skipif(sys.platform != "linux", reason="the readme names the default home on Linux")
def test_the_readme_names_the_default_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    (listed,) = [code(row[1]) for row in rows(section("README.md", "Settings")) if code(row[0]) == "PATTER_HOME"]
    assert Path(listed).expanduser() == default_home()


# -- dependencies


def packages(requirements: list[str]) -> list[str]:
    return [Requirement(requirement).name for requirement in requirements]


def test_every_dependency_has_its_reason_and_no_other_package_has_one() -> None:
    project = tomllib.loads(text("pyproject.toml"))
    declared = {
        "Always": project["project"]["dependencies"],
        **{f"`{name}`": extra for name, extra in project["project"]["optional-dependencies"].items()},
        "Build": project["build-system"]["requires"],
    }
    for heading, requirements in declared.items():
        reasons = {code(name): reason for name, reason in rows(section("docs/dependencies.md", heading))}
        assert sorted(reasons) == sorted(packages(requirements)), heading
        assert all(reasons.values()), heading
    headings = re.findall(r"^## (.*)$", text("docs/dependencies.md"), re.M)
    assert headings == list(declared)


# -- observability


@pytest.mark.parametrize(
    ("heading", "names"),
    [
        ("Where the time of an answer goes", set(PARTS)),
        ("The stage that took longest", set(get_args(Stage))),
        ("States and speech events", {*get_args(UserState), *get_args(AgentState)}),
    ],
)
def test_everything_that_is_measured_is_defined(heading: str, names: set[str]) -> None:
    listed = [code(row[0]) for row in rows(section("docs/observability.md", heading))]
    assert sorted(listed) == sorted(names)


def test_every_kind_of_false_interruption_is_listed() -> None:
    counted = {code(row[0]): row[1] for row in rows(section("docs/observability.md", "Figures of a call"))}
    assert set(re.findall(r"`(\w+)`", counted["false_interruptions"])) == set(get_args(DismissedAs))


# -- the simulated network


def test_the_readme_lists_the_built_in_parties() -> None:
    listed = [(code(number), name, about) for number, name, about in rows(section("README.md", "Simulated numbers"))]
    everybody = sorted(built_in(), key=lambda party: party.number)
    assert listed == [(party.number, party.name, party.description) for party in everybody]


def party_examples(paper: str) -> list[str]:
    return re.findall(r"^<!-- party -->\n```yaml\n(.*?)^```$", text(paper), re.M | re.S)


@pytest.mark.parametrize("paper", ["README.md", "docs/simulated-network.md"])
def test_examples_of_parties_can_be_used(paper: str) -> None:
    examples = party_examples(paper)
    assert examples
    for example in examples:
        assert parse_party(example, source=paper).steps


def step_kinds() -> set[type]:
    union, *_ = get_args(parties.Step)
    return {get_args(kind)[0] for kind in get_args(union)}


def test_the_reference_of_parties_shows_every_step() -> None:
    (example,) = party_examples("docs/simulated-network.md")
    party = parse_party(example, source="docs/simulated-network.md")
    assert {type(step) for step in walk(party.steps)} == step_kinds()
    assert len(rows(section("docs/simulated-network.md", "Steps"))) == len(step_kinds())


def test_the_reference_of_parties_lists_every_key() -> None:
    listed = [code(row[0]) for row in rows(section("docs/simulated-network.md", "A party"))]
    assert listed == list(parties.Party.model_fields)


# -- carriers

CARRIERS: dict[str, type[TwilioCarrier | TelnyxCarrier | PlivoCarrier]] = {
    "twilio": TwilioCarrier,
    "telnyx": TelnyxCarrier,
    "plivo": PlivoCarrier,
}
CODECS: dict[str, type[TwilioMediaCodec | TelnyxMediaCodec | PlivoMediaCodec]] = {
    "twilio": TwilioMediaCodec,
    "telnyx": TelnyxMediaCodec,
    "plivo": PlivoMediaCodec,
}


def declared(carrier: str) -> dict[str, str]:
    capabilities = CARRIERS[carrier].capabilities
    switches = {
        "warm_transfer": capabilities.warm_transfer,
        "recording": capabilities.recording,
        "dtmf_events": CODECS[carrier].dtmf_events,
    }
    return {
        "keys": f"`{capabilities.keys}`",
        **{name: "yes" if on else "no" for name, on in switches.items()},
        "webhooks": " ".join(f"`{kind}`" for kind in CARRIERS[carrier].webhooks),
    }


def test_the_page_on_carriers_shows_what_they_declare() -> None:
    table = rows(section("docs/carriers.md", "What the code declares"))
    head = next(line for line in text("docs/carriers.md").splitlines() if line.startswith("| | `"))
    names = re.findall(r"`(\w+)`", head)
    assert names == list(ACCOUNTS) == list(CARRIERS)
    for column, name in enumerate(names, start=1):
        assert {code(row[0]): row[column] for row in table} == declared(name)


def test_the_contracts_of_carriers_name_all_implementations() -> None:
    contracts = {code(row[0]): row[2] for row in rows(section("docs/architecture.md", "Contracts"))}
    implementations: dict[str, list[type]] = {"Carrier": [*CARRIERS.values()], "MediaCodec": [*CODECS.values()]}
    for contract, classes in implementations.items():
        named = set(re.findall(r"`(carriers\.[\w.]+)`", contracts[contract]))
        assert named == {one.__module__.removeprefix("getpatter.") for one in classes}


def test_the_witnesses_are_those_that_are_installed() -> None:
    listed = {code(row[0].split(",")[0]): row[1] for row in rows(section("docs/carriers.md", "Witnesses"))}
    pinned = dict(re.findall(r"^([\w-]+)==([\w.]+)$", text("tests/peers/requirements.txt"), re.M))
    pinned |= json.loads(text("tests/peers/package.json"))["dependencies"]
    for peer in ("twilio-agent-connect", "pipecat-ai", "emulate"):
        assert listed[peer] == pinned[peer]


# -- tools


def arguments(tool: str) -> list[str]:
    method = inspect.getattr_static(CallTools, tool)
    return [name for name in inspect.signature(method).parameters if name not in ("self", "ctx")]


def test_the_readme_lists_the_tools() -> None:
    assert [code(tool) for tool, _ in rows(section("README.md", "Tools"))] == list(TOOLS)


def test_the_tools_are_described_with_their_arguments() -> None:
    listed = {
        code(tool): [code(argument).partition("=")[0] for argument in re.findall(r"`[^`]+`", cells)]
        for tool, cells in rows(section("docs/mcp.md", "Tools"))
    }
    assert listed == {tool: arguments(tool) for tool in TOOLS}


# -- commands


def commands() -> dict[str, set[str]]:
    """The options of every command, by its name behind `getpatter`."""
    root = get_command(app)
    assert isinstance(root, TyperGroup)
    return dict(_options(root))


def _options(group: TyperGroup, prefix: str = "") -> Iterator[tuple[str, set[str]]]:
    for name, command in group.commands.items():
        yield prefix + name, {option for parameter in command.params for option in parameter.opts}
        if isinstance(command, TyperGroup):
            yield from _options(command, f"{prefix}{name} ")


@pytest.mark.parametrize("paper", PAPERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_exist_with_their_options(paper: Path) -> None:
    known = commands()
    for match in re.finditer(r"(?<!from )\bgetpatter\s((?:sim\s)?[a-z-]+)([^\n`]*)", paper.read_text("utf-8")):
        name = " ".join(match[1].split())
        assert name in known, match[0]
        assert set(re.findall(r"--[a-z-]+", match[2])) <= known[name], match[0]


def test_the_readme_shows_every_command() -> None:
    assert {f"getpatter {name}" for name in commands() if name != "sim"} <= set(
        re.findall(r"getpatter (?:sim )?[a-z-]+", text("README.md"))
    )


def test_make_has_the_targets_that_the_readme_names() -> None:
    targets = set(re.findall(r"^([a-z]+):", text("Makefile"), re.M))
    assert set(re.findall(r"^    make ([a-z]+)", text("README.md"), re.M)) <= targets


# -- the rest


def slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("paper", PAPERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(paper: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", paper.read_text("utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (paper.parent / name).resolve() if name else paper
        assert path.exists(), f"{paper.name} links to {target}"
        if anchor:
            assert anchor in map(slug, re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.M)), target


def test_the_floors_are_those_that_are_held() -> None:
    tree = ast.parse(text("tests/test_floors.py"))
    (held,) = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and node.value and ast.unparse(node.target) == "FLOORS"
    ]
    shown = {
        room: int(floor)
        for floor, rooms in rows(section("docs/architecture.md", "Floors"))
        if floor.isdigit()
        for room in re.findall(r"`(\w+)`", rooms)
    }
    assert shown == held


def test_the_page_on_safety_names_the_numbers_that_are_refused() -> None:
    refused = section("docs/privacy-and-safety.md", "Which numbers are dialled").partition("refused**")[2]
    assert set(re.findall(r"\b\d{3}\b", refused.partition("plus sign")[0])) == EMERGENCY


@pytest.mark.parametrize("paper", PAPERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_scripts_that_are_named_exist(paper: Path) -> None:
    for name in re.findall(r"\b(?:bench|scripts|tests)/\w+\.py\b", paper.read_text("utf-8")):
        assert (ROOT / name).exists(), name


# -- programs


def programs(paper: str) -> list[str]:
    return re.findall(r"^<!-- program -->\n```python\n(.*?)^```$", text(paper), re.M | re.S)


@pytest.mark.parametrize(("paper", "prints"), [("README.md", "answered after"), ("docs/sdk.md", "busy")])
def test_programs_run_as_they_stand(paper: str, prints: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("PATTER_", "DATABASE_URL"))]:
        monkeypatch.delenv(name)
    (program,) = programs(paper)
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert prints in done.stdout


def test_the_reference_of_callbacks_names_all_of_them() -> None:
    named = {code(row[0]) for row in rows(section("docs/sdk.md", "Callbacks"))}
    assert named == set(CallbackOptions.__annotations__)
    speech = {name for name in vars(SpeechEvents) if name.startswith("on_")}
    assert set(re.findall(r"`(on_\w+)`", section("docs/sdk.md", "Callbacks"))) == named | speech
