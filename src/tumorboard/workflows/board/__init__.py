"""From a folder of a patient's files to a tumour-board report."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submodules=["config", "result", "run"],
    submod_attrs={"config": ["BoardConfig"], "result": ["BoardResult", "SectionResult"]},
)
