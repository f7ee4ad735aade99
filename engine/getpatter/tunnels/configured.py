"""The tunnel that the settings ask for."""

from __future__ import annotations

from getpatter.errors import ConfigurationError
from getpatter.settings import Settings
from getpatter.tunnels.base import Tunnel
from getpatter.tunnels.cloudflare import CloudflareTunnel
from getpatter.tunnels.ngrok import Ngrok


def configured_tunnel(settings: Settings) -> Tunnel | None:
    """None without `PATTER_TUNNEL`: `PATTER_PUBLIC_URL` leads here by itself, or nothing does.

    Raises `ConfigurationError` for settings that contradict each other.
    """
    match settings.tunnel:
        case "ngrok":
            return Ngrok(settings.public_url or None)
        case "cloudflare" if settings.public_url:
            raise ConfigurationError(
                "PATTER_TUNNEL=cloudflare opens a tunnel under a name that Cloudflare chooses, and PATTER_PUBLIC_URL "
                "names another one.",
                next_step="Unset PATTER_PUBLIC_URL; or, where it is the name of a tunnel that runs already, "
                "unset PATTER_TUNNEL.",
            )
        case "cloudflare":
            return CloudflareTunnel()
        case "":
            return None
