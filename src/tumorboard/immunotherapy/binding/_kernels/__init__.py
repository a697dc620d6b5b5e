"""Compiled loops of the predictors."""
