// SPDX-License-Identifier: Apache-2.0
/*
 * The types of the JavaScript client (web/client/baton.d.ts): they compile, a program that uses all
 * of them compiles (types.ts), the examples are right by them, and they name what the module has.
 * The compiler is of npm, as the other tools of tests/browser are (`make test-deps`).
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as client from '../../web/client/baton.js';

const path = (name) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const compiler = path('tests/browser/node_modules/typescript/bin/tsc');
const skip = existsSync(compiler) ? false : 'there is no TypeScript: make test-deps';

function compile(...words) {
  const { status, stdout } = spawnSync(process.execPath, [compiler, '--noEmit', '--target', 'es2022', '--module',
    'nodenext', '--lib', 'es2022,dom,dom.iterable', ...words], { encoding: 'utf8' });
  assert.equal(stdout, '');
  assert.equal(status, 0);
}

test('a program that uses all of it compiles, and slips do not', { skip }, () => {
  compile('--strict', '--noUnusedLocals', '--exactOptionalPropertyTypes', path('tests/web/types.ts'));
});

test('the examples are right by the types', { skip }, () => {
  const folder = path('examples/client');
  const examples = readdirSync(folder).filter((name) => name.endsWith('.mjs')).map((name) => `${folder}/${name}`);
  assert.equal(examples.length, 5);
  compile('--allowJs', '--checkJs', path('tests/web/node.d.ts'), ...examples);
});

test('the types name what the module has, and nothing else', () => {
  const text = readFileSync(path('web/client/baton.d.ts'), 'utf8');
  const named = [...text.matchAll(/^export (?:class|const|function) (\w+)/gm)].map((m) => m[1]);
  assert.deepEqual(named.sort(), Object.keys(client).sort());
  for (const name of ['Baton', 'BatonStream', 'BatonModel', 'EventLines']) {
    const body = text.match(new RegExp(`^export class ${name} [^]*?^}`, 'm'))[0];
    const methods = [...body.matchAll(/^  (\w+)(?:<[^(]*>)?\(/gm)].map((m) => m[1]).filter((m) => m !== 'constructor');
    for (const method of methods) {
      assert.equal(typeof client[name].prototype[method], 'function', `${name}.${method}`);
    }
  }
});
