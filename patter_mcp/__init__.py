"""The MCP face of the engine: telephony as tools for AI assistants."""
