"""Workflows: a frozen config, and run(config, inputs) -> result."""
