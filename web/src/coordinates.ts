// The one place where the report's patient coordinates meet NiiVue's.

/** Patient point (x, y, z) in DICOM's LPS [mm], as everywhere in the report. */
export type PatientPoint = readonly [number, number, number];

/** Point in NIfTI's RAS [mm], as NiiVue uses it. */
export type RasPoint = [number, number, number];

export function toRas([x, y, z]: PatientPoint): RasPoint {
  return [-x, -y, z];
}

export function toPatient(ras: ArrayLike<number>): PatientPoint {
  return [0 - ras[0]!, 0 - ras[1]!, ras[2]!];
}

/** Reads "x,y,z" as written into the page's links. */
export function parsePoint(text: string): PatientPoint {
  const [x, y, z] = text.split(",").map(Number);
  if (x === undefined || y === undefined || z === undefined || ![x, y, z].every(Number.isFinite)) {
    throw new Error(`a point must be three numbers x,y,z [mm]; got ${text}`);
  }
  return [x, y, z];
}
