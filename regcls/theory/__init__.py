"""What imbalance adds to the loss of a regressor and of a classifier."""
