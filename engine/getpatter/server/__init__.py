"""The edges of the engine process: HTTP and WebSockets. Authenticate, parse, hand over."""
