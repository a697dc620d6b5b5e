"""The demo patient's treatment with Lu-177: files, and the dose that is true."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np

from tumorboard.dosimetry.voxel_dose import DecayMap, voxel_dose
from tumorboard.dosimetry.voxel_dose_monte_carlo import MonteCarlo
from tumorboard.io.dicom import ImageModality, StudyIdentity, write_image_series, write_rtstruct
from tumorboard.numerics.voxelise import structure_mask
from tumorboard.phantoms import RadioligandPatient, RadioligandPatientConfig
from tumorboard.physics.decay import DecayLibrary
from tumorboard.physics.decay_emissions import decay_emissions
from tumorboard.physics.hounsfield import schneider2000
from tumorboard.physics.transport.batches import BatchPlan
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.provenance import Record

__all__ = ["radioligand_truth", "write_radioligand"]

_HISTORIES: Final = 400_000
#: No stream in common with the report's own calculation.
_SEED: Final = 177_000


def radioligand_truth(patient: RadioligandPatient, *, threads: int) -> dict[str, Any]:
    """Return effective half-lives as put in, and mean doses of what is drawn.

    The dose is that of the analytic decays (concentration at administration x effective half-life / ln 2),
    without blur, noise or a fit, followed by Monte Carlo through the true CT in the phantom's own voxels.

    Parameters
    ----------
    patient
        The phantom.
    threads
        At a time; the result does not depend on them.

    Returns
    -------
    dict
        ``histories``, and ``regions`` with ``name``, ``effective_half_life_h``, ``dose_gy`` and
        ``dose_statistical_uncertainty`` (relative).
    """
    grid = patient.true_ct.grid
    decays = DecayMap.of_concentration(
        patient.time_integrated_bq_s_ml, grid, Record("phantoms.radioligand_patient")
    )
    found = voxel_dose(
        decays,
        TransportMedium.of_ct(patient.true_ct, schneider2000()),
        decay_emissions("Lu-177", library=DecayLibrary.ENDF_B_VIII_1),
        MonteCarlo(BatchPlan(_HISTORIES, _SEED, threads), follow_photons=True),
    )
    relative = found.relative_uncertainty
    regions = []
    for name in patient.structures.names:
        inside = structure_mask(patient.structures[name], grid).values > 0
        dose = np.asarray(found.dose.values, np.float64)[inside]
        spread = 0.0 if relative is None else np.linalg.norm(relative.values[inside] * dose)
        regions.append(
            {
                "name": name,
                "effective_half_life_h": patient.half_life_h[name],
                "dose_gy": float(dose.mean()),
                "dose_statistical_uncertainty": float(spread / dose.sum()),
            }
        )
    return {"histories": _HISTORIES, "regions": regions}


def write_radioligand(
    patient: RadioligandPatient,
    config: RadioligandPatientConfig,
    folder: Path,
    study: StudyIdentity,
) -> None:
    """Write CT, scans and structures as DICOM.

    Parameters
    ----------
    patient
        The phantom.
    config
        It was made by.
    folder
        That ``lu177_ct/``, ``lu177_1/``, ... and ``lu177_structures.dcm`` go into.
    study
        Patient and study.
    """
    started = config.administration + timedelta(hours=config.times_h[0])
    ct = write_image_series(
        patient.ct,
        folder / "lu177_ct",
        study=study,
        modality=ImageModality.CT,
        description="abdomen with Lu-177, synthetic",
        series_number=11,
        acquired=started,
    )
    for number, (hours, scan) in enumerate(zip(config.times_h, patient.scans, strict=True), start=1):
        write_image_series(
            scan.image,
            folder / f"lu177_{number}",
            study=study,
            modality=ImageModality.PT,
            description=f"Lu-177 after {hours:g} h, synthetic",
            series_number=11 + number,
            acquisition=scan.acquisition,
        )
    write_rtstruct(
        patient.structures,
        folder / "lu177_structures.dcm",
        study=study,
        reference=ct.reference,
        description="Lesion and kidneys, synthetic",
        series_number=20,
        created=started,
    )
