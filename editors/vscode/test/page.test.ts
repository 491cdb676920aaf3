import assert from 'node:assert/strict';
import { test } from 'node:test';

import { page } from '../src/preview/page';
import { address } from '../src/preview/picture';

const shown = page('https://source', 'https://source/view.js', 'https://source/preview.css', 'n0nce');
const policy = /Content-Security-Policy" content="([^"]*)"/.exec(shown)?.[1] ?? '';

test('the page runs its own script alone', () => {
  const rules = Object.fromEntries(policy.split('; ').map((rule) => [rule.split(' ')[0], rule.split(' ').slice(1)]));
  assert.deepEqual(rules['default-src'], ["'none'"]);
  assert.deepEqual(rules['script-src'], ["'nonce-n0nce'"]);
  assert.deepEqual([...shown.matchAll(/<script[^>]*>/g)].map(String), [
    '<script nonce="n0nce" src="https://source/view.js">',
  ]);
});

test('a mail has no rights', () => {
  assert.match(shown, /<iframe sandbox="" /);
});

test('a picture is an image, and its text stays what it is', () => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg"><text>Grüße 🌼</text></svg>';
  const data = address(svg);
  assert.ok(data.startsWith('data:image/svg+xml;charset=utf-8,'));
  assert.equal(decodeURIComponent(data.slice(data.indexOf(',') + 1)), svg);
});
