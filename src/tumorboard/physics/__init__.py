"""Shared science: materials, stopping power, scattering, and the tables they stand on."""
