// The line below the picture: where the crosshair is, and what each layer has there.

import { element } from "./dom";
import type { Stage, StageLayer } from "./stage";

export function readout(stage: Stage): { root: HTMLElement; update: () => void } {
  const place = element("span", { class: "place" });
  const values = element("span", { class: "values" });
  const root = element("div", { class: "readout", role: "status" }, place, values);
  const update = () => {
    const [x, y, z] = stage.position().map((v) => signed(v, 1));
    place.textContent = `Patient (LPS): ${x}, ${y}, ${z} mm`;
    values.replaceChildren(...stage.layers.map((layer) => element("span", {}, valueText(stage, layer))));
  };
  return { root, update };
}

function valueText(stage: Stage, layer: StageLayer): string {
  const { name, kind, unit, labels } = layer.description;
  const value = stage.valueAt(layer);
  if (kind === "labels") return labels.find((structure) => structure.value === value)?.name ?? "";
  if (value === null) return `${name}: outside`;
  return `${name}: ${significant(value)}${unit === "1" ? "" : ` ${unit}`}`;
}

/** Four significant digits, as in the tables. */
function significant(value: number): string {
  if (Number.isInteger(value)) return signed(value, 0);
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return value.toExponential(3).replace("-", "−");
  return signed(value, Math.max(0, 3 - Math.floor(Math.log10(size))));
}

function signed(value: number, decimals: number): string {
  return value.toFixed(decimals).replace("-", "−");
}
