"""The progress pair."""
