"""Plays the story of one appointment against a running stack, as its patients live it."""
