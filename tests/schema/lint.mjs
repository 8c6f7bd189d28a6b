// SPDX-License-Identifier: Apache-2.0
/*
 * What a linter that others have written thinks of our OpenAPI and AsyncAPI documents: nothing. It is
 * Redocly's, of npm as the other tools of tests/browser are (`make test-deps`).  lint.mjs DOCUMENT...
 *
 * Its recommended rules, every warning a fault, but for what it cannot know: a WebSocket ends by 101; a
 * vocabulary has no paths, is used from outside, and is spoken by whoever likes; a webhook is signed; what `if` asks for is
 * described beside it.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

const OFF = ['no-required-schema-properties-undefined'];
const ALSO_OFF = {
  'openapi.json': ['operation-2xx-response'],
  'csta-openapi.json': ['no-empty-servers', 'no-unused-components'],
  'asyncapi.json': ['security-defined'],
  'csta-asyncapi.json': ['security-defined'],
};

let linter;
try {
  linter = await import('../browser/node_modules/@redocly/openapi-core/lib/index.js');
} catch {
  console.log('there is no linter: make test-deps');
  process.exit(77);
}

async function complaints(source, name) {
  const off = [...OFF, ...ALSO_OFF[name] ?? []];
  const config = await linter.createConfig({
    extends: ['recommended'], rules: Object.fromEntries(off.map((rule) => [rule, 'off'])),
  });
  const found = await linter.lintFromString({ source, absoluteRef: name, config });
  return found.map((one) => `${name}: ${one.ruleId}: ${one.message} ${one.location?.[0]?.pointer ?? ''}`);
}

for (const path of process.argv.slice(2)) {
  const name = basename(path), text = readFileSync(path, 'utf8');
  assert.deepEqual(await complaints(text, name), []);
  const broken = JSON.parse(text);
  delete broken.info.version;
  assert.notDeepEqual(await complaints(JSON.stringify(broken), name), [], 'the linter is awake');
}
