"""Numbers only: bins, errors, comparisons and intervals."""
