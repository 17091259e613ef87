"""The checkpoints that ship with the package; ``index.json`` names them."""
