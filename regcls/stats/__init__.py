"""Statistics on arrays: bins, errors per target range, comparisons, bootstrap and conformal radii."""
