"""Names of parameters and models in names of files."""

from __future__ import annotations

import re

__all__ = ["map_label"]


def map_label(name: str) -> str:
    """Return a name as a label of BIDS, which has letters and digits only.

    Parameters
    ----------
    name
        Of a parameter or a model; ``k2'`` must not become ``k2``, which is another.

    Examples
    --------
    >>> map_label("k2'"), map_label("2TCM-irreversible")
    ('k2prime', '2TCMirreversible')
    """
    return re.sub(r"[^A-Za-z0-9]", "", name.replace("'", "prime"))
