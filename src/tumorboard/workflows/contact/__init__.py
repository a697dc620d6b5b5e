"""How long people keep away from a patient with activity, and when the patient may go home."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submodules=["config", "report", "run"],
    submod_attrs={"config": ["ContactConfig", "MeasuredDoseRates"]},
)
