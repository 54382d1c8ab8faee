"""How long a test waits for what comes at once: the machine may be as slow as it likes, only what never comes takes so long."""

PATIENCE_S = 30.0
