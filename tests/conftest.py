from __future__ import annotations

from hypothesis import settings

# A slow machine is no fault of the code: examples have no wall-clock limit.
settings.register_profile("patter", deadline=None)
settings.load_profile("patter")
