"""The depth pair."""
