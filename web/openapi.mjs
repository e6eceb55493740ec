// SPDX-License-Identifier: Apache-2.0
/*
 * Turns docs/openapi.yaml into the JSON that the server embeds: node openapi.mjs FROM TO.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parse } from "yaml";

const [from, to] = process.argv.slice(2);
writeFileSync(to, `${JSON.stringify(parse(readFileSync(from, "utf8")))}\n`);
