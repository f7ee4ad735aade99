"""A real MCP server for the tests, over stdio when it is run."""

from __future__ import annotations

import os

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

shop = MCPServer("shop", log_level="CRITICAL")


@shop.tool()
def price(thing: str) -> str:
    """What a thing costs."""
    return f"{thing}: 5 euros"


@shop.tool()
def order(thing: str, count: int = 1) -> dict[str, int]:
    """Order a thing."""
    return {thing: count}


@shop.tool(name="stock.count")
def stock() -> int:
    """How much there is."""
    raise ToolError("The stock is not known.")


@shop.tool()
def die() -> None:
    """Close for good."""
    os._exit(1)


@shop.tool()
def environment() -> str:
    """What the server sees of the engine's environment."""
    return " ".join(sorted(os.environ))


if __name__ == "__main__":
    shop.run("stdio")
