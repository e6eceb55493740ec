// SPDX-License-Identifier: Apache-2.0
/*
 * Builds the page into dist/: index.html, hashed assets, and manifest.txt from which the
 * server's build embeds them. Must never: fetch anything, touch what it did not make, or depend on
 * the time or the folder it runs in (two builds of one tree are byte-identical).
 *
 * manifest.txt, one line for each file: URLPATH FILE CONTENT-TYPE (no spaces within a column).
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import esbuild from "esbuild";

const ROOT = dirname(fileURLToPath(import.meta.url));
const DIST = join(ROOT, "dist");
/* What is fetched at once, and what is fetched when somebody goes there. */
const BUDGETS_GZ = { ".js": 40 * 1024, ".css": 8 * 1024, "later .js": 16 * 1024 };
const CONTENT_TYPES = {
    ".html": "text/html;charset=utf-8",
    ".js": "text/javascript;charset=utf-8",
    ".css": "text/css;charset=utf-8",
    ".svg": "image/svg+xml",
};

const extension = (name) => name.slice(name.lastIndexOf("."));
const hashOf = (bytes) => createHash("sha256").update(bytes).digest("hex").slice(0, 12);

/* The options of the bundle; shared with the development server. What is imported by import() becomes a
 * part of its own, which is fetched when somebody goes there. */
const OPTIONS = {
    absWorkingDir: ROOT,
    entryPoints: { app: "src/main.tsx" },
    outdir: "dist/assets",
    bundle: true,
    splitting: true,
    metafile: true,
    entryNames: "[name]-[hash]",
    chunkNames: "part-[hash]",
    minify: true,
    write: false,
    format: "esm",
    target: ["es2022", "chrome123", "firefox128", "safari17.5"],
    jsx: "automatic",
    jsxImportSource: "preact",
    charset: "utf8",
    legalComments: "none",
    logLevel: "warning",
};

/* Builds everything. Returns the list of {url, file, type, bytes}; throws on any error. */
export async function build() {
    const result = await esbuild.build(OPTIONS);
    const atOnce = loadedAtOnce(result.metafile.outputs);
    const assets = result.outputFiles.map((out) => bundled(out, atOnce));
    const icon = asset("favicon", ".svg", await readFile(join(ROOT, "src/favicon.svg")));
    const named = assets.filter(({ file }) => file.startsWith("assets/app-"));
    const page = await indexHtml([...named, icon]);
    const files = [{ url: "/", file: "index.html", bytes: Buffer.from(page) }, ...assets, icon]
        .map((file) => ({ ...file, type: CONTENT_TYPES[extension(file.file)] }))
        .sort((a, b) => (a.url < b.url ? -1 : 1));
    await writeAll(files);
    return files;
}

/* The outputs that the page fetches before it shows anything: the entry and what it imports statically. */
function loadedAtOnce(outputs) {
    const entry = Object.keys(outputs).find((name) => outputs[name].entryPoint === "src/main.tsx");
    const found = new Set([entry, outputs[entry].cssBundle]);
    for (const name of found) {
        const imports = outputs[name]?.imports ?? [];
        imports.filter(({ kind }) => kind === "import-statement").forEach(({ path }) => found.add(path));
    }
    return found;
}

/* A file of the bundle; its name holds its hash already, and others import it by that name. */
function bundled({ path, contents }, atOnce) {
    const file = `assets/${basename(path)}`;
    return { url: `/${file}`, file, bytes: Buffer.from(contents), later: !atOnce.has(`dist/${file}`) };
}

function asset(name, ext, contents) {
    const bytes = Buffer.from(contents);
    const file = `assets/${name}-${hashOf(bytes)}${ext}`;
    return { url: `/${file}`, file, bytes };
}

async function indexHtml(assets) {
    let page = await readFile(join(ROOT, "src/index.html"), "utf8");
    for (const { url } of assets) {
        page = page.replace(`{{${extension(url).slice(1)}}}`, url);
    }
    if (page.includes("{{")) {
        throw new Error("src/index.html names an asset that the build did not make");
    }
    return page;
}

async function writeAll(files) {
    await rm(join(DIST, "assets"), { recursive: true, force: true });
    await mkdir(join(DIST, "assets"), { recursive: true });
    for (const { file, bytes } of files) {
        await writeFile(join(DIST, file), bytes);
    }
    const lines = files.map(({ url, file, type }) => `${url} ${file} ${type}\n`);
    await writeFile(join(DIST, "manifest.txt"), lines.join(""));
}

/* Prints the sizes and fails over budget: a slow page is a defect like any other. */
function checkBudgets(files) {
    const sums = new Map();
    for (const { file, bytes, later } of files) {
        const size = gzipSync(bytes, { level: 9 }).length;
        const kind = (later ? "later " : "") + extension(file);
        console.log(`${file}  ${bytes.length} bytes, ${size} gzipped${later ? ", later" : ""}`);
        sums.set(kind, (sums.get(kind) ?? 0) + size);
    }
    const over = [...sums].filter(([kind, size]) => size > (BUDGETS_GZ[kind] ?? Infinity));
    over.forEach(([kind, size]) => console.log(`${kind}: ${size} is over the budget of ${BUDGETS_GZ[kind]}`));
    return over.length;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
    process.exitCode = checkBudgets(await build()) === 0 ? 0 : 1;
}
