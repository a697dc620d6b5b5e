import gzip

import pytest

from tumorboard.errors import InputError
from tumorboard.plotting import Label, Layer, LayerKind, Scene

VOLUME = gzip.compress(b"not looked into")


def test_scene__begins_with_its_only_background():
    background = Layer("CT", VOLUME, LayerKind.BACKGROUND)
    overlay = Layer("PET", VOLUME, LayerKind.OVERLAY)
    assert Scene((background, overlay)).layers == (background, overlay)
    for layers in ((), (overlay,), (background, background)):
        with pytest.raises(InputError, match="must be one BACKGROUND followed by"):
            Scene(layers)


def test_layer__has_labels_exactly_when_it_is_of_that_kind():
    label = Label(1, "liver", (1, 2, 3))
    Layer("Structures", VOLUME, LayerKind.LABELS, labels=(label,))
    for kind, labels in ((LayerKind.LABELS, ()), (LayerKind.OVERLAY, (label,))):
        with pytest.raises(InputError, match="must be given for a LABELS layer and for no other"):
            Layer("Structures", VOLUME, kind, labels=labels)


def test_layer__says_what_is_wrong():
    with pytest.raises(InputError, match=r"low < high \[HU\]; got \(5, 5\)"):
        Layer("CT", VOLUME, LayerKind.BACKGROUND, window=(5, 5), unit="HU")
    with pytest.raises(InputError, match="must be a gzip file"):
        Layer("CT", b"raw", LayerKind.BACKGROUND)
    with pytest.raises(InputError, match="value of label 'liver' must be 1 to 255"):
        Label(256, "liver", (0, 0, 0))
