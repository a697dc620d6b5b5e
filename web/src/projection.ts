// A maximum-intensity projection that turns about the patient's long axis; a click goes to the hottest voxel.

import type { NVImage } from "@niivue/niivue";

import { type PatientPoint, toPatient, toRas } from "./coordinates";

/** Width that is drawn [pixels]; the page scales it. */
const DRAWN_WIDTH = 480;

/** Pixels of one projection with, for each, the voxel that it shows. */
interface Projected {
  width: number;
  height: number;
  values: Float32Array;
  voxels: Int32Array;
}

export class Projection {
  private readonly values: ArrayLike<number>;
  private readonly size: readonly [number, number, number];
  private readonly spacing: readonly [number, number, number];
  private current: Projected;
  private angle = 0;

  /** `volume` must hold its voxels; the projection reads them in NiiVue's RAS order. */
  constructor(
    private readonly volume: NVImage,
    private readonly canvas: HTMLCanvasElement,
  ) {
    this.values = volume.img2RAS() as ArrayLike<number>;
    const [, nx, ny, nz] = volume.dimsRAS!;
    const [, dx, dy, dz] = volume.pixDimsRAS!;
    this.size = [nx!, ny!, nz!];
    this.spacing = [dx!, dy!, dz!];
    this.current = this.project();
  }

  /** Turns the patient by `degrees`; 0 looks from the front, 90 from the patient's left. */
  turn(degrees: number): void {
    this.angle = (degrees * Math.PI) / 180;
    this.current = this.project();
  }

  /** Draws in inverse grey with marks at `points` and lines through `position`. */
  draw(position: PatientPoint, points: readonly PatientPoint[]): void {
    const { width, height } = this.current;
    this.canvas.width = DRAWN_WIDTH;
    this.canvas.height = Math.round((DRAWN_WIDTH * height) / width);
    const context = this.canvas.getContext("2d")!;
    context.drawImage(this.greyPicture(), 0, 0, this.canvas.width, this.canvas.height);
    for (const point of points) this.mark(context, point);
    this.crosshair(context, position);
  }

  /** Patient point of the voxel shown at a place of the canvas, both fractions 0 to 1. */
  pick(across: number, down: number): PatientPoint {
    const { width, height, voxels } = this.current;
    const column = Math.min(width - 1, Math.max(0, Math.floor(across * width)));
    const row = Math.min(height - 1, Math.max(0, Math.floor(down * height)));
    const [nx, ny] = this.size;
    const voxel = voxels[row * width + column]!;
    const index = [voxel % nx, Math.floor(voxel / nx) % ny, Math.floor(voxel / (nx * ny))];
    return toPatient(this.volume.vox2mm(index, this.volume.matRAS!));
  }

  private greyPicture(): OffscreenCanvas {
    const { width, height, values } = this.current;
    const { slope, offset } = this.greyScale();
    const pixels = new ImageData(width, height);
    for (let i = 0; i < values.length; i++) {
      const grey = 255 - Math.min(255, Math.max(0, slope * values[i]! + offset));
      pixels.data.fill(grey, 4 * i, 4 * i + 3);
      pixels.data[4 * i + 3] = 255;
    }
    const picture = new OffscreenCanvas(width, height);
    picture.getContext("2d")!.putImageData(pixels, 0, 0);
    return picture;
  }

  private greyScale(): { slope: number; offset: number } {
    // The voxels are as stored; the window is in the layer's unit.
    const { scl_slope, scl_inter } = this.volume.hdr!;
    const [low, high] = [this.volume.cal_min!, this.volume.cal_max!];
    const unit = 255 / (high - low);
    return { slope: unit * (scl_slope || 1), offset: unit * ((scl_inter || 0) - low) };
  }

  private project(): Projected {
    const [nx, ny, nz] = this.size;
    const [dx, dy, dz] = this.spacing;
    const pixel = Math.min(dx, dy);
    const across = Math.ceil(Math.hypot(nx * dx, ny * dy) / pixel);
    const height = Math.max(1, Math.round((nz * dz) / pixel));
    const projected = {
      width: across,
      height,
      values: new Float32Array(across * height).fill(-Infinity),
      voxels: new Int32Array(across * height),
    };
    const columns = this.rays(across, pixel);
    for (let row = 0; row < height; row++) {
      const z = Math.min(nz - 1, Math.floor(((height - 1 - row + 0.5) * pixel) / dz));
      columns.forEach((ray, column) => this.follow(ray, z * nx * ny, row * across + column, projected));
    }
    return projected;
  }

  /** For each column of pixels the in-plane voxels along its ray. */
  private rays(across: number, pixel: number): Int32Array[] {
    const [nx, ny] = this.size;
    const [dx, dy] = this.spacing;
    const [cos, sin] = [Math.cos(this.angle), Math.sin(this.angle)];
    return Array.from({ length: across }, (_, column) => {
      // Radiological: the patient's right, towards which RAS x grows, is at the left of the picture.
      const u = (across / 2 - column - 0.5) * pixel;
      const ray: number[] = [];
      for (let step = 0; step < across; step++) {
        const t = (step + 0.5 - across / 2) * pixel;
        const i = Math.floor((u * cos - t * sin) / dx + nx / 2);
        const j = Math.floor((u * sin + t * cos) / dy + ny / 2);
        if (i >= 0 && i < nx && j >= 0 && j < ny) ray.push(j * nx + i);
      }
      return Int32Array.from(ray);
    });
  }

  private follow(ray: Int32Array, slice: number, pixel: number, into: Projected): void {
    let highest = -Infinity;
    let at = slice;
    for (let i = 0; i < ray.length; i++) {
      const value = this.values[slice + ray[i]!]!;
      if (value > highest) {
        highest = value;
        at = slice + ray[i]!;
      }
    }
    into.values[pixel] = highest;
    into.voxels[pixel] = at;
  }

  private place(point: PatientPoint): [number, number] {
    const [nx, ny, nz] = this.size;
    const [dx, dy] = this.spacing;
    const { width, height } = this.canvas;
    const pixel = Math.min(dx, dy);
    const [i, j, k] = this.volume.mm2vox(toRas(point), true);
    const u = (i! + 0.5 - nx / 2) * dx * Math.cos(this.angle) + (j! + 0.5 - ny / 2) * dy * Math.sin(this.angle);
    return [width * (0.5 - u / pixel / this.current.width), height * (1 - (k! + 0.5) / nz)];
  }

  private mark(context: CanvasRenderingContext2D, point: PatientPoint): void {
    const [x, y] = this.place(point);
    context.strokeStyle = "#d11a2a";
    context.lineWidth = 2.5;
    context.beginPath();
    context.arc(x, y, 11, 0, 2 * Math.PI);
    context.stroke();
  }

  private crosshair(context: CanvasRenderingContext2D, position: PatientPoint): void {
    const [x, y] = this.place(position);
    context.strokeStyle = "rgb(15 130 60 / 70%)";
    context.lineWidth = 2;
    context.beginPath();
    context.moveTo(x, 0);
    context.lineTo(x, this.canvas.height);
    context.moveTo(0, y);
    context.lineTo(this.canvas.width, y);
    context.stroke();
  }
}
