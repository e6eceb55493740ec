// SPDX-License-Identifier: Apache-2.0
/*
 * Runs the unit tests: bundles each test/*.test.mjs with the TypeScript it imports, runs it with
 * node:test, and ends with `N passed, N failed`. Writes only into a folder of its own, removed at
 * the end.
 */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { fileURLToPath } from "node:url";
import esbuild from "esbuild";

const HERE = dirname(fileURLToPath(import.meta.url));

async function bundle(outdir) {
    const names = (await readdir(HERE)).filter((name) => name.endsWith(".test.mjs")).sort();
    await esbuild.build({
        entryPoints: names.map((name) => join(HERE, name)),
        outdir,
        bundle: true,
        platform: "node",
        format: "esm",
        target: "node20",
        /* packages in the older form ask for modules of Node by require */
        banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
        outExtension: { ".js": ".mjs" },
        sourcemap: "inline",
        logLevel: "warning",
    });
    return names.map((name) => join(outdir, name));
}

async function main() {
    const outdir = await mkdtemp(join(tmpdir(), "fermata-web-test-"));
    const counts = { passed: 0, failed: 0 };
    try {
        const stream = run({ files: await bundle(outdir), concurrency: 1 });
        const isTest = (event) => event.details?.type !== "suite";
        stream.on("test:pass", (event) => {
            counts.passed += isTest(event) ? 1 : 0;
        });
        stream.on("test:fail", (event) => {
            counts.failed += isTest(event) ? 1 : 0;
        });
        for await (const text of stream.compose(new spec())) {
            process.stdout.write(text);
        }
    } finally {
        await rm(outdir, { recursive: true, force: true });
    }
    console.log(`${counts.passed} passed, ${counts.failed} failed`);
    process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;
}

await main();
