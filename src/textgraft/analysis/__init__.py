"""A model and its data looked at: one file per analysis, whose results are figures and plain JSON data."""
