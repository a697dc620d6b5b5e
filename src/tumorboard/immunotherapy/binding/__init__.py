"""Which peptides an HLA molecule presents: affinity, presentation, percentile and how sure that is."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "class1": ["Class1Model"],
        "class2": ["Class2Model"],
        "core_windows": ["core_places", "core_sequence"],
        "load": ["load_model"],
        "model": ["PresentationModel"],
        "motif": ["Motif", "binding_motif"],
        "table": ["PresentationTable"],
    },
)
