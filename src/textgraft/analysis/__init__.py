"""A model and its data looked at: one file per analysis, each with a function whose result is figures and plain JSON."""
