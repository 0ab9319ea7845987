"""How much of a thing is taken before it is doubted: counts that damage or malice reach, and work hardly does."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """A number that the environment can raise.

    Attributes:
        variable: of the environment, that sets another one.
        usual: the number where it is not set.
    """

    variable: str
    usual: int

    @property
    def most(self) -> int:
        """The number that holds now; a variable that is no whole number changes nothing."""
        said = os.environ.get(self.variable, "").replace(",", "").replace("_", "")
        return int(said) if said.isascii() and said.isdigit() and len(said) < 19 else self.usual

    def exceeded(self, number: int, what: str) -> str:
        """A sentence on ``number``, which is too large, and what raises the limit; empty where it is not."""
        if number <= self.most:
            return ""
        return (
            f"{number:,} {what} are more than the {self.most:,} that are taken; {self.variable}={number} raises that."
        )


COLUMNS = Limit("TEXTGRAFT_MOST_COLUMNS", 200_000)  # of a table
LACKING_CELLS = Limit("TEXTGRAFT_MOST_LACKING_CELLS", 100_000_000)  # of columns that the rows of a JSON file lack
PROBABILITIES = Limit("TEXTGRAFT_MOST_PROBABILITIES", 300_000_000)  # evaluated at once; some 20 bytes each
LABELS = Limit("TEXTGRAFT_MOST_LABELS", 100_000)  # of a model that textgraft did not make
MODEL_BYTES = Limit("TEXTGRAFT_MOST_MODEL_BYTES", 16_000_000_000)  # of all files of a model or an encoder
# numbers that an export holds at once for 2,048 tokens in texts of 512; about 100 million for attention of 32 heads
ACTIVATIONS = Limit("TEXTGRAFT_MOST_ACTIVATIONS", 500_000_000)
UNPACKED = Limit("TEXTGRAFT_MOST_UNPACKED_BYTES", 1 << 30)  # of a file that gives far more than its size
WINDOW = Limit("TEXTGRAFT_MOST_WINDOW_BYTES", 1 << 27)  # that a packing looks back, and is kept in memory
DIRECTORY = Limit("TEXTGRAFT_MOST_DIRECTORY_BYTES", 1 << 26)  # of the list of members of a zip
DOCUMENT = Limit("TEXTGRAFT_MOST_DOCUMENT_CHARACTERS", 100_000_000)  # of JSON that is no lines and no array of rows
VALUES = Limit("TEXTGRAFT_MOST_DOCUMENT_VALUES", 10_000_000)  # of such a document
EMPTY_CELLS = Limit("TEXTGRAFT_MOST_EMPTY_CELLS", 10_000_000)  # of the rectangle that the cells of a sheet span
FOOTER = Limit("TEXTGRAFT_MOST_FOOTER_BYTES", 1 << 27)  # of a Parquet file
PAGE = Limit("TEXTGRAFT_MOST_PAGE_BYTES", 1 << 28)  # of a Parquet file, unpacked
STEPS = Limit("TEXTGRAFT_MOST_SQL_STEPS", 200_000_000)  # of SQLite, for a table or view
