"""``textgraft``, ``python -m textgraft``, and ``torchrun -m textgraft`` for several processes."""

import sys


def run() -> None:
    """Runs the command line; Ctrl-C while it is still being imported ends it without a traceback."""
    try:
        from textgraft.cli import main

        main()
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    run()
