"""The media engine of patter-mcp: telephone calls held by an AI agent."""

from getpatter.version import __version__

__all__ = ["__version__"]
