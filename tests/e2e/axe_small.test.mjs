// SPDX-License-Identifier: Apache-2.0
/*
 * Accessibility of every page and state at the size `small`, in light and in dark: no violation that axe knows.
 */
import * as file from "node:test";

import { testStates } from "./axe.mjs";

await testStates(file, "small");
