"""Your table: compare reg, reg+cls and other methods for rare targets on a user's table."""
