// The report's interactive viewer: PET over CT (or any layers) with structures, linked to the page's tables.

import { parsePoint, type PatientPoint } from "./coordinates";
import { button, element, oncePerFrame, slider } from "./dom";
import { layerControls } from "./layer_controls";
import { Projection } from "./projection";
import { readout } from "./readout";
import { readScene, type SceneDescription } from "./scene";
import { pointList, structureLegend } from "./side_panel";
import { Stage, type View } from "./stage";

declare global {
  interface Window {
    tumorboardViewer?: {
      ready: Promise<void>;
      goTo(point: PatientPoint): void;
      position(): PatientPoint;
    };
  }
}

const VIEWS: readonly (readonly [View, string])[] = [
  ["planes", "Three planes"],
  ["axial", "Axial"],
  ["coronal", "Coronal"],
  ["sagittal", "Sagittal"],
  ["render", "3D"],
];

const KEYS: Record<string, readonly [left: number, posterior: number, superior: number]> = {
  ArrowLeft: [-1, 0, 0],
  ArrowRight: [1, 0, 0],
  ArrowUp: [0, -1, 0],
  ArrowDown: [0, 1, 0],
  PageUp: [0, 0, 1],
  PageDown: [0, 0, -1],
};

const HINT =
  "Drag: move the crosshair. Right drag: window of the background. Wheel: slices, after a click into the picture. " +
  "Keys: arrows within the axial slice, Page Up and Page Down through slices.";

function start(root: HTMLElement): void {
  const problem = element("p", { class: "caution", role: "alert" });
  if (!document.createElement("canvas").getContext("webgl2")) {
    problem.textContent =
      "The interactive viewer needs WebGL 2, which this browser does not offer here. " +
      "Turn on hardware acceleration or use another browser; pictures and tables on this page are complete without it.";
    root.append(problem);
    return;
  }
  const canvas = element("canvas", { id: "viewer-canvas", tabindex: "0", "aria-label": "Image planes" });
  const stage = new Stage(canvas);
  listenToKeys(canvas, stage);
  const ready = open(root, canvas, stage);
  ready.catch((reason: unknown) => {
    problem.textContent = `The viewer could not open this page's volumes: ${String(reason)}`;
    root.prepend(problem);
  });
  window.tumorboardViewer = {
    ready,
    goTo: (point) => stage.goTo(point),
    position: () => stage.position(),
  };
}

async function open(root: HTMLElement, canvas: HTMLCanvasElement, stage: Stage): Promise<void> {
  const scene = readScene();
  const waiting = element("p", { class: "waiting" }, "Loading volumes …");
  const picture = element("div", { class: "picture" }, canvas);
  const body = element("div", { class: "body" }, picture);
  root.append(waiting, body);
  await stage.load(scene);
  waiting.remove();

  const redraw = oncePerFrame(() => stage.refresh());
  const line = readout(stage);
  const projection = projectionPanel(stage, scene);
  const changed = () => {
    redraw();
    projection?.update();
  };
  const controls = stage.layers.map((layer) => layerControls(stage, layer, changed));
  const side = [...pointList(stage, scene), ...structureLegend(stage, changed)];
  if (projection) body.append(projection.root);
  if (side.length > 0) body.append(element("div", { class: "side" }, ...side));
  root.prepend(viewButtons(stage));
  root.append(
    line.root,
    element("div", { class: "layers" }, ...controls.map((control) => control.root)),
    element("p", { class: "hint" }, HINT),
  );
  stage.onChange(
    oncePerFrame(() => {
      line.update();
      projection?.update();
      for (const control of controls) control.sync();
    }),
  );
  linkTables(stage, root);
  const first = scene.points[0];
  stage.goTo(first ? first.point_mm : stage.position());
  // Resolved only after the first picture stands.
  await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
}

function viewButtons(stage: Stage): HTMLElement {
  const bar = element("div", { class: "views", role: "group", "aria-label": "View" });
  for (const [view, name] of VIEWS) {
    const made = button(name, () => {
      for (const other of bar.children) other.setAttribute("aria-pressed", String(other === made));
      stage.show(view);
    });
    made.setAttribute("aria-pressed", String(view === "planes"));
    bar.append(made);
  }
  return bar;
}

function projectionPanel(stage: Stage, scene: SceneDescription): { root: HTMLElement; update: () => void } | null {
  const layer = stage.layers.find(({ description }) => description.projected);
  if (!layer) return null;
  const canvas = element("canvas", { id: "viewer-projection", "aria-label": "Maximum-intensity projection" });
  const projection = new Projection(layer.volume, canvas);
  const points = scene.points.map((point) => point.point_mm);
  const update = oncePerFrame(() => projection.draw(stage.position(), points));
  canvas.addEventListener("click", (event) => {
    const box = canvas.getBoundingClientRect();
    stage.goTo(projection.pick((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height));
  });
  const turn = slider(
    0,
    (degrees) => {
      projection.turn(degrees);
      update();
    },
    { min: "-180", max: "180", step: "10", "aria-label": "Turn the projection [degrees]" },
  );
  const caption = element("span", { class: "caption" }, `${layer.description.name}, maximum projection`);
  return { root: element("div", { class: "projection" }, caption, canvas, turn), update };
}

function listenToKeys(canvas: HTMLCanvasElement, stage: Stage): void {
  canvas.addEventListener("keydown", (event) => {
    if (event.key === "Tab" || event.ctrlKey || event.metaKey || event.altKey) return;
    // NiiVue's own shortcuts change modes without telling; it listens later and gets nothing.
    event.stopImmediatePropagation();
    const step = KEYS[event.key];
    if (!step) return;
    event.preventDefault();
    stage.step(...step);
  });
}

function linkTables(stage: Stage, root: HTMLElement): void {
  for (const link of document.querySelectorAll<HTMLElement>("[data-point]")) {
    const point = parsePoint(link.dataset["point"] ?? "");
    link.addEventListener("click", () => {
      stage.goTo(point);
      root.scrollIntoView({ block: "start" });
    });
  }
}

const root = document.getElementById("viewer-root");
if (root) start(root);
