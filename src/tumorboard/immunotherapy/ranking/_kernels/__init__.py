"""Numba loops: arrays and numbers in, output allocated by the caller."""
