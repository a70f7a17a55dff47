"""Training of the progress pair."""
