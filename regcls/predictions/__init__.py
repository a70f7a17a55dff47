"""Your predictions: an error report for predictions of any model."""
