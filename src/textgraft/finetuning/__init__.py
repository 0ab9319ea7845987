"""A pretrained encoder with a head: how it is put together, what of it is trained, and how that is fast on a CPU."""
