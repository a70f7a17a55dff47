"""Training of the depth pair."""
