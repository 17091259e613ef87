"""tapemend restores digitised analog videotapes."""

__version__ = "0.1.0"
