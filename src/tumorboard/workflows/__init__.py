"""Workflows: a frozen config, and run(config, inputs) -> result."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(__name__, submodules=["board", "demo", "progress", "transport"])
