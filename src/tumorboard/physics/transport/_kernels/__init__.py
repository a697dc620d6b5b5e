"""Hot loops of :mod:`tumorboard.physics.transport`: arrays and numbers only."""
