"""How carriers reach a machine that has no address of its own on the internet."""

from __future__ import annotations

from getpatter.tunnels.base import Tunnel
from getpatter.tunnels.cloudflare import CloudflareTunnel
from getpatter.tunnels.ngrok import Ngrok
from getpatter.tunnels.static import Static

__all__ = ["CloudflareTunnel", "Ngrok", "Static", "Tunnel"]
