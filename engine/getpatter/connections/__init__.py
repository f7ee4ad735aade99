"""How providers are reached: keys, WebSockets, HTTP, and their failures in words."""
