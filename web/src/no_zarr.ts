// Stands in for the package zarrita, which NiiVue imports for Zarr archives. A report holds none.

function refuse(): never {
  throw new Error("Zarr archives are not part of this viewer");
}

export { refuse as FetchStore, refuse as get, refuse as open, refuse as root, refuse as slice };
