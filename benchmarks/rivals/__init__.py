"""Other projects on the same frames, each in a virtual environment of its own; nothing of theirs is copied here."""
