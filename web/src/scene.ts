// What the page gives the viewer: a JSON description and one block of base64 per volume.

import type { PatientPoint } from "./coordinates";

export interface Structure {
  value: number;
  name: string;
  rgb: [number, number, number];
}

export interface LayerDescription {
  name: string;
  kind: "background" | "overlay" | "labels";
  colormap: string;
  window: [number, number];
  unit: string;
  inverted: boolean;
  opacity: number;
  projected: boolean;
  shown: boolean;
  labels: Structure[];
}

export interface SceneDescription {
  layers: LayerDescription[];
  points: { name: string; point_mm: PatientPoint }[];
}

export function readScene(): SceneDescription {
  return JSON.parse(textOf("viewer-scene")) as SceneDescription;
}

/** Returns the gzip-compressed NIfTI file of one layer, and drops its text from the page to free memory. */
export async function takeVolume(layer: number): Promise<ArrayBuffer> {
  const id = `viewer-volume-${layer}`;
  const binary = atob(textOf(id));
  document.getElementById(id)?.remove();
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes.buffer;
}

function textOf(id: string): string {
  const text = document.getElementById(id)?.textContent;
  if (!text) throw new Error(`the page lacks its block ${id}`);
  return text;
}
