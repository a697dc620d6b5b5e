// Beside the picture: places to go to, and the structures with their colours.

import { button, element } from "./dom";
import type { SceneDescription } from "./scene";
import type { Stage, StageLayer } from "./stage";

export function pointList(stage: Stage, scene: SceneDescription): HTMLElement[] {
  if (scene.points.length === 0) return [];
  const items = scene.points.map(({ name, point_mm }) =>
    element("li", {}, button(name, () => stage.goTo(point_mm), { class: "go-to" })),
  );
  return [element("h3", {}, "Go to"), element("ul", { class: "points" }, ...items)];
}

export function structureLegend(stage: Stage, changed: () => void): HTMLElement[] {
  const items = stage.layers.flatMap((layer) => layer.description.labels.map((s) => legendItem(layer, s, changed)));
  if (items.length === 0) return [];
  const setAll = (shown: boolean) => {
    for (const item of items) {
      const input = item.querySelector("input")!;
      if (input.checked !== shown) input.click();
    }
  };
  const all = element(
    "div",
    { class: "all" },
    button("All", () => setAll(true)),
    button("None", () => setAll(false)),
  );
  return [element("h3", {}, "Structures"), all, element("ul", { class: "structures" }, ...items)];
}

function legendItem(
  layer: StageLayer,
  { name, value, rgb }: StageLayer["description"]["labels"][number],
  changed: () => void,
): HTMLLIElement {
  const input = element("input", { type: "checkbox" });
  input.checked = true;
  input.addEventListener("change", () => {
    if (input.checked) layer.hidden.delete(value);
    else layer.hidden.add(value);
    changed();
  });
  const swatch = element("span", { class: "swatch", "aria-hidden": "true" });
  swatch.style.backgroundColor = `rgb(${rgb.join(" ")})`;
  return element("li", {}, element("label", { class: "check" }, input, swatch, element("span", {}, name)));
}
