"""``python -m textgraft``, and ``torchrun -m textgraft`` for several processes."""

from textgraft.cli import main

if __name__ == "__main__":
    main()
