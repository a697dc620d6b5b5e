"""Monte Carlo transport of protons, photons and electrons through voxels."""
