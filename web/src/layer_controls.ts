// Controls of one layer: visibility, opacity, window and colour map, with its colour bar.

import { checkbox, choice, element, field, slider } from "./dom";
import type { Stage, StageLayer } from "./stage";

const COLOUR_MAPS = [
  ["gray", "Grey"],
  ["hot", "Hot"],
  ["inferno", "Inferno"],
  ["plasma", "Plasma"],
  ["viridis", "Viridis"],
  ["warm", "Warm"],
  ["cool", "Cool"],
  ["red", "Red"],
  ["green", "Green"],
  ["blue", "Blue"],
  ["jet", "Jet"],
] as const;

/** Windows that radiologists know by name, as low and high [HU]. */
const CT_WINDOWS = [
  ["", "Window preset"],
  ["-160,240", "Soft tissue"],
  ["-1350,150", "Lung"],
  ["-500,1300", "Bone"],
  ["0,80", "Brain"],
] as const;

export interface LayerControls {
  root: HTMLElement;
  /** Takes over a window that was changed elsewhere. */
  sync(): void;
}

export function layerControls(stage: Stage, layer: StageLayer, changed: () => void): LayerControls {
  const { description } = layer;
  const root = element("fieldset", { class: "layer" });
  root.append(
    element("legend", {}, description.name),
    checkbox("Show", layer.visible, (visible) => {
      layer.visible = visible;
      changed();
    }),
    field("Opacity", opacitySlider(layer, changed)),
  );
  if (description.kind === "labels") return { root, sync: () => undefined };
  const window = windowControls(layer, changed);
  const bar = element("canvas", { class: "bar", width: "256", height: "1", "aria-hidden": "true" });
  const paint = () => paintBar(bar, stage.colours(layer));
  const recolour = () => {
    paint();
    changed();
  };
  root.append(
    bar,
    ...window.fields,
    field(
      "Colours",
      choice(COLOUR_MAPS, description.colormap, (name) => {
        layer.volume.colormap = name;
        recolour();
      }),
    ),
    checkbox("Inverted", description.inverted, (inverted) => {
      layer.volume.colormapInvert = inverted;
      recolour();
    }),
  );
  paint();
  return { root, sync: window.sync };
}

function opacitySlider(layer: StageLayer, changed: () => void): HTMLInputElement {
  const set = (value: number) => {
    layer.opacity = value;
    changed();
  };
  return slider(layer.opacity, set, { min: "0", max: "1", step: "0.05" });
}

function windowControls(layer: StageLayer, changed: () => void) {
  const { unit, window } = layer.description;
  const step = stepOf(window[1] - window[0]);
  const [low, high] = [element("input"), element("input")];
  for (const input of [low, high]) {
    input.type = "number";
    input.step = String(step);
  }
  const sync = () => {
    // Not while a reader types: rewriting the text would move the cursor.
    if (document.activeElement !== low) low.value = readable(layer.volume.cal_min!, step);
    if (document.activeElement !== high) high.value = readable(layer.volume.cal_max!, step);
  };
  const set = (from: number, to: number) => {
    const valid = Number.isFinite(from) && Number.isFinite(to) && from < to;
    for (const input of [low, high]) input.setAttribute("aria-invalid", String(!valid));
    if (!valid) return;
    [layer.volume.cal_min, layer.volume.cal_max] = [from, to];
    sync();
    changed();
  };
  const typed = () => set(low.valueAsNumber, high.valueAsNumber);
  low.addEventListener("input", typed);
  high.addEventListener("input", typed);
  sync();
  const label = unit === "1" ? "" : ` [${unit}]`;
  const fields: HTMLElement[] = [field(`Low${label}`, low), field(`High${label}`, high)];
  if (unit === "HU") {
    const presets = choice(CT_WINDOWS, "", (value) => {
      const [from, to] = value.split(",").map(Number);
      if (from !== undefined && to !== undefined) set(from, to);
    });
    fields.push(field("Preset", presets));
  }
  return { fields, sync };
}

function paintBar(bar: HTMLCanvasElement, colours: Uint8ClampedArray): void {
  const opaque = new Uint8ClampedArray(colours);
  for (let i = 3; i < opaque.length; i += 4) opaque[i] = 255;
  bar.getContext("2d")!.putImageData(new ImageData(opaque, 256, 1), 0, 0);
}

/** A step of 1, 2 or 5 times a power of ten, near a hundredth of the range. */
function stepOf(range: number): number {
  const power = 10 ** Math.floor(Math.log10(range / 100));
  const lead = range / 100 / power;
  return power * (lead < 2 ? 1 : lead < 5 ? 2 : 5);
}

function readable(value: number, step: number): string {
  return String(Number(value.toFixed(Math.max(0, 1 - Math.floor(Math.log10(step))))));
}
