"""`python -m patter_mcp` is `patter-mcp`."""

from patter_mcp.cli import main

main()
