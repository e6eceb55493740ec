// SPDX-License-Identifier: Apache-2.0
/*
 * The pages beside the inbox and a proposal: one piece of code that comes when the first of them is opened.
 * The setup page reads and hides its token as soon as this is there.
 */
export { Callbacks as CallbacksPage } from "./callbacks";
export { CategoriesPage } from "./categories";
export { DonePage } from "./done";
export { KeysPanel } from "../parts/keys_panel";
export { MePage } from "./me";
export { PausesPage } from "./pauses";
export { PeoplePage } from "./people";
export { ProposalsPage } from "./proposals";
export { RenewPage } from "./renew";
export { SetupPage } from "./setup";
