"""Progress of an activity in a video."""
