"""What is observed: the event bus and the figures drawn from it."""
