"""Where the process starts. Loading the command line takes a third of a second: Ctrl-C then ends it without a word."""

import signal
from importlib import import_module


def main() -> None:
    """The entry point of `tapeline`, and of `python -m app`."""
    # A shell that puts us in the background has it ignored, and so it stays.
    is_heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_heard:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    command_line = import_module("app.cli")
    if is_heard:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    command_line.main()


if __name__ == "__main__":
    main()
