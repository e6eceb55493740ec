// SPDX-License-Identifier: Apache-2.0
/* Style sheets are imported for the bundler only and have no exports. */
declare module "*.css";
