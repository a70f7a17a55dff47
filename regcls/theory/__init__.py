"""What imbalance adds to a loss."""
