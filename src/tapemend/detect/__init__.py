"""Frames → scores → verdict: how damaged each frame and region is, and where the shots are."""
