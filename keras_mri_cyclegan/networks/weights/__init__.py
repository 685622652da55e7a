"""Weight files shipped with the package; README.md documents the training of each file."""
