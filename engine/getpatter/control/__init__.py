"""Speaking to an engine in another process: the control API, its client, and finding or starting the engine."""
