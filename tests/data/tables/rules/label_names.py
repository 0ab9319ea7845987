"""One name for one label

A label has the same name whether it comes from a file, a frame or a list."""

from .rule import Example, Rule

RULES = (
    Rule(
        'Whole numbers are written without a point: 1, "1" and 1.0 are one label, whatever the other rows hold.',
        (
            Example(
                "text,label\nIt works well,1\nIt broke at once,2\nNo idea yet,unknown\nStill works,1.0\n",
                rows=4,
                labels=("1", "2", "unknown"),
            ),
        ),
    ),
)
