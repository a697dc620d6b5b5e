// Structures as NiiVue's label colour map.

import type { Structure } from "./scene";

/** Returns the colour map of a label volume; value 0 is transparent. */
export function structureColours(structures: Structure[]) {
  const highest = Math.max(...structures.map((structure) => structure.value));
  const channel = () => new Array<number>(highest + 1).fill(0);
  const map = {
    R: channel(),
    G: channel(),
    B: channel(),
    A: channel(),
    I: channel().map((_, value) => value),
    labels: channel().map(() => ""),
  };
  for (const { value, name, rgb } of structures) {
    [map.R[value], map.G[value], map.B[value]] = rgb;
    map.A[value] = 255;
    map.labels[value] = name;
  }
  return map;
}
