"""The URL by which others reach us, and what may be said of other URLs."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from getpatter.errors import ConfigurationError

_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\.?\Z")
"""Names as in RFC 1123, section 2.1."""

_EXAMPLE = "https://phone.example.org"


def with_scheme(text: str) -> str:
    """A URL of what may be a bare host, without the slash at its end; empty stays empty."""
    scheme, given, rest = text.strip().partition("://")
    if not given:
        scheme, rest = "https", scheme
    rest = rest.rstrip("/")
    return f"{scheme}://{rest}" if rest or given else ""


def public_url(text: str) -> str:
    """The base URL that `text`, a host or a URL, names: scheme, host, port and path, no slash at the end.

    Carriers take HTTPS alone; plain HTTP is let pass where the host is this machine's loopback.  Raises
    `ConfigurationError`.
    """
    parts = _split(with_scheme(text))
    host = parts.hostname or ""
    if not host or not (_HOST.match(host) or _is_address(host)):
        raise _refused(text, "has no host name that carriers could look up")
    if parts.username is not None or parts.query or parts.fragment:
        raise _refused(text, "has more than a host and a path")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise _refused(text, "is not HTTPS, which carriers insist on")
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine to itself."""
    return host == "localhost" or (_is_address(host) and ip_address(host).is_loopback)


def shown(url: str) -> str:
    """What others may see of a URL that is not ours: scheme, host and port.  The rest may hold a password or a key."""
    try:
        parts = urlsplit(url)
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        return "an unreadable URL"
    if not parts.scheme or not parts.hostname:
        return "an unreadable URL"
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{port}"


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for one that is no number
    except ValueError:
        raise _refused(url, "is no URL") from None
    return parts


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _refused(text: str, why: str) -> ConfigurationError:
    # What stands before an @ may be a password.
    shown = text.strip().rpartition("@")[2]
    named = f"The public URL {shown!r}" if shown else "The public URL is empty; it"
    return ConfigurationError(f"{named} {why}.", next_step=f"Give a host name or an https URL, e.g. {_EXAMPLE}")
