"""What the agent on the telephone can do besides talking: handlers, webhooks, MCP servers, the call's own actions."""
