"""Which adapters of speech and language there are, and which of them the settings ask for."""
