"""Many series at a time are what each is alone."""

from dataclasses import replace

import numpy as np
import pytest

from tumorboard.errors import InputError, MissingAttribute
from tumorboard.io.dicom.read_all_images import read_all_images
from tumorboard.io.dicom.read_image import read_image, read_images


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_read_all_images__gives_in_order_what_each_series_gives_alone(make_slices, make_series, jobs):
    whole = make_series(make_slices("CT", range(9)))
    volumes = [replace(whole, headers=whole.headers[k : k + 3]) for k in range(7)]
    several = list(read_all_images(volumes, jobs=jobs))
    assert len(several) == len(volumes)
    for series, found in zip(volumes, several, strict=True):
        (alone,), (one,) = read_images(series), found
        assert (one.label, one.notes, one.headers) == (alone.label, alone.notes, alone.headers)
        assert (one.image.values == alone.image.values).all()
        assert one.image.provenance.digest == alone.image.provenance.digest


def test_read_all_images__a_refused_series_costs_only_itself(make_slices, make_series):
    good = make_series(make_slices("CT", range(3)))
    bad = replace(good, headers=tuple(replace(h, pixel_spacing_mm=None) for h in good.headers))
    first, refused, last = read_all_images([good, bad, good])
    assert isinstance(refused, MissingAttribute)
    assert "PixelSpacing (0028,0030)" in str(refused)
    for found in (first, last):
        assert (found[0].image.values == read_image(good).values).all()


def test_read_all_images__may_be_left_halfway(make_slices, make_series):
    outcomes = read_all_images([make_series(make_slices("CT", range(3)))] * 50, jobs=2)
    assert next(outcomes)[0].image.values.dtype == np.int16
    outcomes.close()


def test_read_all_images__refuses_less_than_one_job():
    with pytest.raises(InputError, match="jobs must be >= 1; got 0"):
        read_all_images([], jobs=0)
