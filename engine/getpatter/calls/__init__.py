"""Calls: placing them, answering them, holding them while they live, and telling others about them."""
