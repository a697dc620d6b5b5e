// The drawing surface: NiiVue with the report's volumes, moved and read in patient coordinates.

import { DRAG_MODE, MULTIPLANAR_TYPE, Niivue, NVImage, SHOW_RENDER, SLICE_TYPE } from "@niivue/niivue";

import { type PatientPoint, toPatient, toRas } from "./coordinates";
import { type LayerDescription, type SceneDescription, takeVolume } from "./scene";
import { structureColours } from "./structure_colours";

export type View = "planes" | "axial" | "coronal" | "sagittal" | "render";

const SLICE_TYPES: Record<View, SLICE_TYPE> = {
  planes: SLICE_TYPE.MULTIPLANAR,
  axial: SLICE_TYPE.AXIAL,
  coronal: SLICE_TYPE.CORONAL,
  sagittal: SLICE_TYPE.SAGITTAL,
  render: SLICE_TYPE.RENDER,
};

/** One loaded volume with what the page says of it. */
export interface StageLayer {
  description: LayerDescription;
  volume: NVImage;
  visible: boolean;
  opacity: number;
  /** Values of the structures that are switched off. */
  hidden: Set<number>;
  /** Voxels of a label volume as they came, all structures included. */
  drawn: NVImage["img"] | null;
}

const NIFTI_INTENT_LABEL = 1002;

export class Stage {
  readonly layers: StageLayer[] = [];
  private readonly nv: Niivue;
  private readonly listeners: (() => void)[] = [];

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.nv = new Niivue({
      backColor: [0, 0, 0, 1],
      crosshairColor: [0.35, 0.85, 0.45, 0.9],
      crosshairWidth: 1,
      crosshairWidthUnit: "mm",
      crosshairGap: 6,
      // Readable on black and, where emission images are inverted, on white.
      fontColor: [0.25, 0.6, 0.95, 1],
      fontMinPx: 14,
      isRadiologicalConvention: true,
      isSliceMM: true,
      // As radiologists see it: from the patient's left, the nose at the left.
      sagittalNoseLeft: true,
      isCornerOrientationText: false,
      showAllOrientationMarkers: true,
      multiplanarLayout: MULTIPLANAR_TYPE.AUTO,
      multiplanarShowRender: SHOW_RENDER.NEVER,
      tileMargin: 4,
      // Otherwise a reader who scrolls the page would scroll through slices instead.
      scrollRequiresFocus: true,
      dragAndDropEnabled: false,
      dragMode: DRAG_MODE.windowing,
      viewModeHotKey: "",
      clipPlaneHotKey: "",
      cycleClipPlaneHotKey: "",
      loadingText: "",
      logLevel: "error",
    });
  }

  async load(scene: SceneDescription): Promise<void> {
    await this.nv.attachToCanvas(this.canvas);
    interpolateFloats(this.nv.gl);
    for (const [i, description] of scene.layers.entries()) {
      const volume = await NVImage.loadFromFile({ file: new File([await takeVolume(i)], `layer-${i}.nii.gz`) });
      const { opacity, shown } = description;
      const layer: StageLayer = { description, volume, visible: shown, opacity, hidden: new Set(), drawn: null };
      if (description.kind === "labels") {
        // Only volumes of this intent get NiiVue's nearest-neighbour label drawing with outlines.
        volume.hdr!.intent_code = NIFTI_INTENT_LABEL;
        volume.setColormapLabel(structureColours(description.labels));
        layer.drawn = volume.img!;
      } else {
        volume.colormap = description.colormap;
        volume.colormapInvert = description.inverted;
        // After the colour map, whose setter chooses a window of its own.
        [volume.cal_min, volume.cal_max] = description.window;
      }
      this.layers.push(layer);
    }
    this.nv.opts.crosshairWidth = this.lineWidth();
    this.nv.opts.atlasOutline = 1;
    this.applyVisibility();
    // All at once: adding one by one would draw every layer again for each that follows.
    this.nv.volumes = this.layers.map((layer) => layer.volume);
    this.nv.setVolume(this.nv.volumes[0]!, 0);
    this.nv.onLocationChange = () => this.listeners.forEach((listener) => listener());
    this.canvas.addEventListener("pointerup", () => this.listeners.forEach((listener) => listener()));
  }

  /** Calls `listener` whenever the crosshair has moved or a window was changed in the picture. */
  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  goTo(point: PatientPoint): void {
    this.nv.scene.crosshairPos = this.nv.mm2frac(toRas(point), 0, true);
    this.nv.createOnLocationChange();
    this.nv.drawScene();
  }

  position(): PatientPoint {
    return toPatient(this.nv.frac2mm(this.nv.scene.crosshairPos, 0, true));
  }

  /** Moves the crosshair by whole voxels of the background towards patient left, posterior, superior. */
  step(left: number, posterior: number, superior: number): void {
    this.nv.moveCrosshairInVox(-left, -posterior, superior);
  }

  /** Value of a layer at the crosshair, or null outside of its volume. */
  valueAt(layer: StageLayer): number | null {
    const [x, y, z] = layer.volume.mm2vox(toRas(this.position()));
    const [, nx, ny, nz] = layer.volume.dimsRAS!;
    const inside = x! >= 0 && y! >= 0 && z! >= 0 && x! < nx! && y! < ny! && z! < nz!;
    return inside ? layer.volume.getValue(x!, y!, z!) : null;
  }

  show(view: View): void {
    this.nv.setSliceType(SLICE_TYPES[view]);
  }

  /** 256 x RGBA of a layer's colour map, for its colour bar. */
  colours(layer: StageLayer): Uint8ClampedArray {
    return this.nv.colormap(layer.volume.colormap, layer.volume.colormapInvert);
  }

  /** Width of the crosshair [mm] that is thin, yet drawn, whether the volume is a whole body or a prostate. */
  private lineWidth(): number {
    const [, nx, ny, nz] = this.layers[0]!.volume.dimsRAS!;
    const [, dx, dy, dz] = this.layers[0]!.volume.pixDimsRAS!;
    return Math.max(nx! * dx!, ny! * dy!, nz! * dz!) / 350;
  }

  /** Draws again after layers were changed. */
  refresh(): void {
    this.applyVisibility();
    this.nv.updateGLVolume();
  }

  private applyVisibility(): void {
    for (const layer of this.layers) {
      if (layer.drawn) hideStructures(layer);
      // At 0 NiiVue would leave out a structure's outline too.
      const least = layer.drawn ? 1 / 255 : 0;
      layer.volume.opacity = layer.visible ? Math.max(least, layer.opacity) : 0;
    }
  }
}

/** Takes hidden structures out of the voxels: a transparent colour would leave their outlines standing. */
function hideStructures(layer: StageLayer): void {
  const all = layer.drawn!;
  if (layer.visible && layer.hidden.size === 0) {
    layer.volume.img = all;
    return;
  }
  const shown = all.slice();
  for (let i = 0; i < shown.length; i++) {
    if (!layer.visible || layer.hidden.has(shown[i]!)) shown[i] = 0;
  }
  layer.volume.img = shown;
}

/**
 * Lets the graphics unit interpolate float volumes linearly, as PET is shown everywhere. NiiVue resamples
 * overlays by the nearest voxel and offers no choice, so the filter is set where it makes their textures.
 */
function interpolateFloats(gl: WebGL2RenderingContext): void {
  if (!gl.getExtension("OES_texture_float_linear")) return;
  const storage = gl.texStorage3D.bind(gl);
  gl.texStorage3D = (target, levels, format, width, height, depth) => {
    storage(target, levels, format, width, height, depth);
    if (format !== gl.R32F) return;
    gl.texParameteri(target, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
    gl.texParameteri(target, gl.TEXTURE_MAG_FILTER, gl.LINEAR);
  };
}
