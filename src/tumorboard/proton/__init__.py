"""Proton therapy: machines, spots, dose, optimisation and robustness."""
