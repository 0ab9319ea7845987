"""A model and its data looked at: one file for each question, from a model or arrays to plain figures."""
