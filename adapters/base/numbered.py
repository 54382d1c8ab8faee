"""Messages that a venue numbers by connection, where nothing else would show that one was lost."""

LATE_MOST = 1_000  # messages that may be missing at a time


class Numbers:
    """A number may be drawn before its message is ready, so one that is missing is lost only once nothing is waited for."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """A new connection counts afresh."""
        self._newest = -1
        self._missing: set[int] = set()

    def lost(self, number: int, *, is_waiting: bool) -> str:
        """Takes note of a message; which one was lost, empty where none was."""
        if number > self._newest + 1 and self._newest >= 0:
            self._missing.update(range(self._newest + 1, min(number, self._newest + LATE_MOST)))
        self._missing.discard(number)
        self._newest = max(self._newest, number)
        return f"message {min(self._missing)} was lost" if self._missing and not is_waiting else ""
