// SPDX-License-Identifier: Apache-2.0
/* Leads an admin whose store has no agent yet from the empty inbox, or where else admins start, to the
 * first-run guide. */
import { api } from "../api";
import { go, place } from "../router";
import { home, me } from "./session";

export async function offerStart(): Promise<void> {
    if (me.value?.can.admin !== true || place.value.path !== "/") {
        return;
    }
    const agents = await api.agents().catch(() => null);
    if (agents?.items.length === 0 && ["/", home()].includes(place.value.path)) {
        go("/start", true);
    }
}
