"""Your predictions: an error report per target range for predictions of any model."""
