"""How good a restoration is, against the clean tape."""
