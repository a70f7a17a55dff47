"""Widgets and layout that several pages share."""
