"""Models as a service: requests in batches, the HTTP interface, limits, drift and the page."""
