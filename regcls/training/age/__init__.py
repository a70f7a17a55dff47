"""Training of the age pair."""
