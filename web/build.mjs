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
/* What the inbox and a decision need at once, all styles, and all code with what other pages load when they
 * are opened. */
const BUDGETS_GZ = { first: 40 * 1024, ".css": 8 * 1024, ".js": 110 * 1024 };
const CONTENT_TYPES = {
    ".html": "text/html;charset=utf-8",
    ".js": "text/javascript;charset=utf-8",
    ".css": "text/css;charset=utf-8",
    ".svg": "image/svg+xml",
};

const extension = (name) => name.slice(name.lastIndexOf("."));
const hashOf = (bytes) => createHash("sha256").update(bytes).digest("hex").slice(0, 12);

/* One entry; pages that few people open are chunks of their own (`import()` in src/main.tsx). */
const OPTIONS = {
    absWorkingDir: ROOT,
    entryPoints: { app: "src/main.tsx" },
    outdir: "dist/assets",
    bundle: true,
    splitting: true,
    metafile: true,
    entryNames: "[name]-[hash]",
    chunkNames: "chunk-[hash]",
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
    const assets = result.outputFiles.map((out) => made(out, result.metafile.outputs));
    const icon = asset("favicon", ".svg", await readFile(join(ROOT, "src/favicon.svg")));
    const named = assets.filter(({ file }) => file.startsWith("assets/app-"));
    const page = await indexHtml([...named, icon]);
    const files = [{ url: "/", file: "index.html", bytes: Buffer.from(page) }, ...assets, icon]
        .map((file) => ({ ...file, type: CONTENT_TYPES[extension(file.file)] }))
        .sort((a, b) => (a.url < b.url ? -1 : 1));
    await writeAll(files);
    return files;
}

/* `first`: loaded with the page, because the entry imports it, itself or by others. */
function made({ path, contents }, outputs) {
    const file = `assets/${basename(path)}`;
    const entry = Object.keys(outputs).find((name) => /app-\w+\.js$/.test(name));
    const first = new Set([entry]);
    for (const name of first) {
        outputs[name].imports
            .filter(({ kind }) => kind === "import-statement")
            .forEach((found) => first.add(found.path));
    }
    const isEntry = entry.endsWith(basename(path));
    const isFirst = [...first].some((name) => name.endsWith(basename(path)));
    return { url: `/${file}`, file, bytes: Buffer.from(contents), isEntry, isFirst };
}

function asset(name, ext, contents) {
    const bytes = Buffer.from(contents);
    const file = `assets/${name}-${hashOf(bytes)}${ext}`;
    return { url: `/${file}`, file, bytes };
}

async function indexHtml(assets) {
    let page = await readFile(join(ROOT, "src/index.html"), "utf8");
    const preloads = assets.filter(({ isEntry, isFirst }) => isFirst && !isEntry);
    page = page.replace(
        /( *)\{\{preload\}\}\n/,
        preloads.map(({ url }) => `$1<link rel="modulepreload" href="${url}">\n`).join(""),
    );
    for (const { url, isEntry } of assets) {
        const kind = extension(url).slice(1);
        page = kind !== "js" || isEntry ? page.replace(`{{${kind}}}`, url) : page;
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
    const sums = {};
    for (const { file, bytes, isFirst } of files) {
        const size = gzipSync(bytes, { level: 9 }).length;
        const kinds = isFirst ? [extension(file), "first"] : [extension(file)];
        kinds.forEach((kind) => (sums[kind] = (sums[kind] ?? 0) + size));
        console.log(`${file}  ${bytes.length} bytes, ${size} gzipped`);
    }
    const over = Object.entries(BUDGETS_GZ).filter(([kind, budget]) => sums[kind] > budget);
    over.forEach(([kind, budget]) => console.log(`${kind}: ${sums[kind]} over the budget of ${budget}`));
    return over.length;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
    process.exitCode = checkBudgets(await build()) === 0 ? 0 : 1;
}
