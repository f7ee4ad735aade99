"""What this machine and this installation have."""

from __future__ import annotations

import os
import platform
import re
import shutil
import stat
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit

from getpatter.carriers.base import Finding
from getpatter.control.beacon import EngineInfo
from getpatter.errors import ConfigurationError
from getpatter.home import TOKEN
from getpatter.server.listener import Listener
from getpatter.settings import Settings
from getpatter.tunnels import ngrok
from getpatter.version import __version__

DISTRIBUTION = "patter-mcp"
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def installation() -> Sequence[Finding]:
    """Python, this package, and whether what it depends on is there."""
    about = "installation"
    version = f"patter {__version__} on Python {platform.python_version()}"
    try:
        declared = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return [Finding(about, "warning", f"{version}, not installed as a package.", "Run: pip install patter-mcp")]
    # Those with a condition are for other systems or for extras.
    names = [re.split(r"[^\w.-]", text)[0] for text in declared if ";" not in text]
    if missing := [name for name in names if not _installed(name)]:
        return [Finding(about, "error", f"{version}, without {', '.join(missing)}.", "Run: pip install patter-mcp")]
    return [Finding(about, "ok", f"{version}.")]


def home(settings: Settings) -> Sequence[Finding]:
    """The folder of store, recordings and token: there, writable, and nobody else's to read."""
    about, folder = "home", settings.home
    if not folder.exists():
        above = next(parent for parent in folder.parents if parent.exists())
        if os.access(above, os.W_OK | os.X_OK):
            return [Finding(about, "ok", f"{folder} will be made at the engine's first start.")]
        return [Finding(about, "error", f"{folder} cannot be made: {above} is not ours to write to.", _ELSEWHERE)]
    if not folder.is_dir() or not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return [Finding(about, "error", f"{folder} is no folder that we may write to.", _ELSEWHERE)]
    open_to_others = [path for path in (folder, folder / TOKEN) if path.exists() and path.stat().st_mode & OTHERS]
    if open_to_others:
        paths = " ".join(map(str, open_to_others))
        return [Finding(about, "warning", f"Other users of this machine may read {paths}.", f"Run: chmod go= {paths}")]
    return [Finding(about, "ok", f"{folder} is ours alone.")]


def env_file(path: Path = Path(".env")) -> Sequence[Finding]:
    """`.env` holds credentials; nothing is said where there is none."""
    if not path.exists():
        return []
    if path.stat().st_mode & OTHERS:
        found = f"Other users of this machine may read {path.absolute()}, which holds credentials."
        return [Finding(".env", "warning", found, f"Run: chmod 600 {path}")]
    return [Finding(".env", "ok", f"{path.absolute()} is ours alone.")]


def engine_process(engine: EngineInfo | None) -> Sequence[Finding]:
    """Whether an engine runs, and whether it is of this version."""
    about = "engine"
    if engine is None:
        return [Finding(about, "ok", "No engine runs for this home.", "To answer calls, run: getpatter serve")]
    where = f"process {engine.pid}, at {engine.private_url}"
    if engine.version != __version__:
        found = f"The engine ({where}) is version {engine.version}, and this is {__version__}."
        return [Finding(about, "warning", found, "Run: getpatter stop, and start it again.")]
    return [Finding(about, "ok", f"It runs as {where}.")]


async def ports(settings: Settings, engine: EngineInfo | None) -> Sequence[Finding]:
    """Both listeners' ports: free, or our own engine's."""
    wanted = [
        ("private port", settings.host, settings.port, "PATTER_PORT", engine.private_url if engine else None),
        (
            "carrier port",
            settings.carrier_host,
            settings.carrier_port,
            "PATTER_CARRIER_PORT",
            engine.carrier_url if engine else None,
        ),
    ]
    return [await _port(*each) for each in wanted]


async def _port(about: str, host: str, port: int, setting: str, engines_url: str | None) -> Finding:
    if engines_url:
        engines = urlsplit(engines_url).port
        if port in (0, engines):
            return Finding(about, "ok", f"The engine listens on {engines}.")
        found = f"The engine listens on {engines}, and {setting} says {port}."
        return Finding(about, "warning", found, "Stop the engine and start it with `getpatter serve`.")
    try:
        listener = Listener(host, port, setting=setting)
    except ConfigurationError as error:
        return Finding(about, "error", error.message, error.next_step or "")
    await listener.stop()
    return Finding(about, "ok", "A free one is taken." if port == 0 else f"{port} is free on {host}.")


def tunnel(settings: Settings) -> Sequence[Finding]:
    """What the tunnel of the settings is made with."""
    about = "tunnel"
    match settings.tunnel:
        case "cloudflare":
            program = shutil.which("cloudflared")
            if program is None:
                missing = "The program cloudflared is not installed, or not on the PATH."
                return [Finding(about, "error", missing, "Install it, e.g. brew install cloudflared")]
            if not settings.manage_webhook:
                found = "The tunnel has another URL at each start, and the carrier is not told."
                return [Finding(about, "warning", found, "Set PATTER_MANAGE_WEBHOOK=true")]
            return [Finding(about, "ok", f"{program} is there.")]
        case "ngrok":
            ngrok.installed()
            ngrok.authtoken()
            return [Finding(about, "ok", "The package ngrok and its authtoken are there.")]
        case "":
            return []


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


_ELSEWHERE = "Set PATTER_HOME to a folder that this user may write to."
