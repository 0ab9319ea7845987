"""One file per rung of the ladder."""
