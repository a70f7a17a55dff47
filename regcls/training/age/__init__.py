"""The age pair."""
