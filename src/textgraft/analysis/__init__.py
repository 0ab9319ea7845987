"""A model and its data looked at, and what follows: one file per analysis, from results to plain data."""
