"""Hot loops of :mod:`tumorboard.proton`: arrays and numbers only."""
