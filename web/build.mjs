// Bundles the viewer into one script beside its licence notices: node build.mjs OUTPUT_FOLDER
import { build } from "esbuild";
import { access, mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const output = path.resolve(process.argv[2] ?? path.join(here, "dist"));

// NiiVue draws an overlay opaque from its first colour on, so that low uptake blackens the CT below it.
// Here an overlay fades in over the lowest quarter of its window, as in the report's still pictures.
const OPAQUE = "FragColor.a = step(0.00001, FragColor.a);";
const FADING = "FragColor.a = step(0.00001, FragColor.a) * clamp(4.0 * txl, 0.0, 1.0);";

const fadeOverlays = {
  name: "fade-overlays",
  setup({ onLoad }) {
    onLoad({ filter: /@niivue[/\\]niivue[/\\]build[/\\]niivue[/\\]index\.js$/ }, async ({ path: file }) => {
      const parts = (await readFile(file, "utf8")).split(OPAQUE);
      if (parts.length !== 2) {
        throw new Error(`NiiVue's overlay shader must hold the line to change once; found ${parts.length - 1}`);
      }
      return { contents: parts.join(FADING), loader: "js" };
    });
  },
};

async function bundle() {
  const result = await build({
    absWorkingDir: here,
    entryPoints: { viewer: "src/main.ts" },
    outdir: output,
    bundle: true,
    format: "iife",
    minify: true,
    target: "es2022",
    charset: "utf8",
    legalComments: "linked",
    metafile: true,
    // NiiVue's reader of Zarr archives, which a report never holds, would bring WebAssembly along.
    plugins: [fadeOverlays],
    alias: { zarrita: "./src/no_zarr.ts" },
    logLevel: "warning",
  });
  return Object.keys(Object.values(result.metafile.outputs)[0].inputs);
}

function packagesOf(inputs) {
  const names = inputs
    .map((file) => file.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)\//)?.[1])
    .filter((name) => name !== undefined);
  return [...new Set(names)].sort();
}

async function licenceText(name) {
  const folder = path.join(here, "node_modules", name);
  const file = (await readdir(folder)).find((entry) => /^licen[cs]e(\.|$)/i.test(entry));
  if (file) return readFile(path.join(folder, file), "utf8");
  // A package that ships no licence file of its own: its repository's text is kept here.
  const kept = path.join(here, "licenses", `${name.replace("/", "__")}.txt`);
  await access(kept).catch(() => {
    throw new Error(`${name} ships no licence file; put its text into ${kept}`);
  });
  return readFile(kept, "utf8");
}

async function notice(name) {
  const manifest = JSON.parse(await readFile(path.join(here, "node_modules", name, "package.json"), "utf8"));
  const line = "-".repeat(78);
  return `${line}\n${name} ${manifest.version} (${manifest.license})\n${line}\n${(await licenceText(name)).trim()}\n`;
}

await mkdir(output, { recursive: true });
const packages = packagesOf(await bundle());
const notices = await Promise.all(packages.map(notice));
await writeFile(
  path.join(output, "viewer.LICENSES.txt"),
  `viewer.js contains code of these packages.\n\n${notices.join("\n")}`,
);
