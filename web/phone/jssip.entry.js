// SPDX-License-Identifier: Apache-2.0
/* What esbuild makes one module of, for phone.js: JsSIP (MIT), from npm, at build time. */
export { default } from 'jssip';
