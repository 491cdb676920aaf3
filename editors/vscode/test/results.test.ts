import assert from 'node:assert/strict';
import { test } from 'node:test';

import { byFile } from '../src/results';

const at = (uri: string, line: number, id: string) => ({
  id,
  name: id,
  journey: 'welcome',
  uri,
  range: { start: { line, character: 0 }, end: { line: line + 3, character: 1 } },
});

test('tests stand below their file, in the order of the text', () => {
  const files = byFile([at('file:///b', 9, 'second'), at('file:///a', 1, 'other'), at('file:///b', 2, 'first')]);
  assert.deepEqual([...files.keys()], ['file:///a', 'file:///b']);
  assert.deepEqual(files.get('file:///b')?.map(({ id }) => id), ['first', 'second']);
  assert.equal(byFile([]).size, 0);
});
