"""Small neural networks, many of them trained at once."""
