"""What the distribution holds, and how the container is published."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
import zipfile
from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml

from getpatter.settings import Settings

ROOT = Path(__file__).parent.parent
SOURCES = ("pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "engine", "patter_mcp", "tests", "bench", "docs")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Built from a copy, so that nothing is left in the working tree."""
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("hatchling is not installed")
    source = tmp_path_factory.mktemp("source")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source)
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel"], cwd=source, check=True)
    (built,) = (source / "dist").glob("patter_mcp-*.whl")
    return zipfile.ZipFile(built)


def packaged(folder: str) -> set[str]:
    """The files of an import package as its wheel names them."""
    package = ROOT / folder
    files = (path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {f"{package.name}/{path.relative_to(package).as_posix()}" for path in files}


def test_the_wheel_holds_both_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert held == packaged("engine/getpatter") | packaged("patter_mcp")


@pytest.mark.parametrize(
    "name",
    [
        "getpatter/py.typed",
        "patter_mcp/py.typed",
        "getpatter/audio/models/silero_vad.onnx",
        "getpatter/audio/models/NOTICE.md",
        "getpatter/llm/scripts/table_for_two.yaml",
        "getpatter/store/migrations/env.py",
        "getpatter/store/migrations/versions/0001_calls.py",
        "getpatter/testing/clips/index.json",
        "getpatter/testing/parties/restaurant.yaml",
    ],
)
def test_the_wheel_holds_what_the_engine_reads(wheel: zipfile.ZipFile, name: str) -> None:
    assert name in wheel.namelist()


def test_the_wheel_holds_every_clip(wheel: zipfile.ZipFile) -> None:
    clips = json.loads(wheel.read("getpatter/testing/clips/index.json"))
    assert clips
    assert {f"getpatter/testing/clips/{clip['file']}" for clip in clips} <= set(wheel.namelist())


def test_the_wheel_installs_both_commands(wheel: zipfile.ZipFile) -> None:
    (entry_points,) = [name for name in wheel.namelist() if name.endswith("/entry_points.txt")]
    parser = ConfigParser()
    parser.read_string(wheel.read(entry_points).decode())
    assert dict(parser["console_scripts"]) == {
        "getpatter": "getpatter.cli.main:main",
        "patter-mcp": "patter_mcp.cli:main",
    }


def test_the_wheel_carries_the_licences(wheel: zipfile.ZipFile) -> None:
    licences = {name.partition("/licenses/")[2] for name in wheel.namelist() if "/licenses/" in name}
    assert licences == {"LICENSE", "engine/getpatter/audio/models/NOTICE.md"}


def test_the_container_is_published_on_loopback_only() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    ports = [port for name, service in services.items() if name != "caddy" for port in service.get("ports", ())]
    exposed = re.findall(r"^EXPOSE (.*)$", (ROOT / "Dockerfile").read_text(), re.M)[0].split()
    assert ports == [f"127.0.0.1:{port}:{port}" for port in exposed]


def test_the_proxy_is_asked_for_and_leads_to_the_carrier_listener_alone() -> None:
    proxy = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["caddy"]
    port = re.findall(r'"--carrier-port", "(\d+)"', (ROOT / "Dockerfile").read_text())[0]
    assert proxy["profiles"] == ["https"]
    assert proxy["command"][-2:] == ["--to", f"engine:{port}"]
    assert proxy["command"].count("--to") == 1


def test_the_container_sets_variables_that_exist() -> None:
    known = {f"PATTER_{name.upper()}" for name in Settings.model_fields}
    engine = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["engine"]
    image = set(re.findall(r"\b(PATTER_[A-Z_]+)=", (ROOT / "Dockerfile").read_text()))
    assert image | set(engine["environment"]) <= known
    assert image == set(engine["environment"]), "else an .env could override what the image needs"


def test_the_container_may_take_longer_to_stop_than_its_calls() -> None:
    engine = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["engine"]
    assert float(engine["stop_grace_period"].removesuffix("s")) > Settings.model_fields["drain_s"].default + 15


def test_the_skills_lock_is_empty_until_there_are_skills() -> None:
    assert json.loads((ROOT / "skills-lock.json").read_text()) == {"version": 1, "skills": {}}
