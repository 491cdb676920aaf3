import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

interface Snippet {
  prefix?: string;
  description: string;
  body: string[];
}

const snippets = JSON.parse(readFileSync('snippets/journey.json', 'utf8')) as Record<string, Snippet>;
const program = process.env['LOTSE'];

/** A snippet as it stands when its author has said nothing else. */
function filled(body: string[]): string {
  const text = body.join('\n');
  const meant = new Map([...text.matchAll(/\$\{(\d+):([^}]*)\}/g)].map(([, hole, says]) => [hole, says]));
  return text
    .replace(/\$\{\d+\|([^,|]*)[^}]*\}/g, '$1')
    .replace(/\$\{\d+:([^}]*)\}/g, '$1')
    .replace(/\$(\d+)/g, (_, hole: string) => meant.get(hole) ?? '');
}

test('a snippet without its holes is text', () => {
  assert.equal(filled(['a ${1:b} ${2|c,d|}$0 { $3 }', '$1']), 'a b c {  }\nb');
});

test('no snippet comes up in the middle of a mail', () => {
  // VS Code offers a prefix wherever its word is typed: what stands at a place, the language server knows.
  for (const [name, { prefix }] of Object.entries(snippets)) assert.equal(prefix, undefined, name);
});

test('the snippets make a sound workspace', { skip: program ? false : 'LOTSE names no program' }, () => {
  const text = (name: string): string => filled(snippets[name]?.body ?? assert.fail(`there is no snippet ${name}`));
  const folder = mkdtempSync(join(tmpdir(), 'lotse-'));
  try {
    const declared = ['Journey with its mail and test', 'Policy'].map(text);
    const within = ['Experiment', 'Wait for a reaction'].map(text).join('\n');
    assert.equal(declared.length + 2, Object.keys(snippets).length, 'every snippet is looked at');
    const more = `journey other {\n  enter by request\n  permission newsletter\n  stage s {\nsend email hello\n${within}\nend }\n}`;
    writeFileSync(join(folder, 'lotse.yaml'), 'senders:\n  marketing: { from: "Shop <shop@example.com>" }\n');
    writeFileSync(join(folder, 'all.journey'), [...declared, more].join('\n\n'));
    const { stdout, stderr } = spawnSync(program ?? '', ['check', '--format', 'json', folder], { encoding: 'utf8' });
    const found = (JSON.parse(stdout || `{"findings": [{"code": "E000", "message": ${JSON.stringify(stderr)}}]}`) as {
      findings: { code: string; message: string; line: number }[];
    }).findings;
    assert.deepEqual(found.filter(({ code }) => code.startsWith('E')), []);
    const tested = spawnSync(program ?? '', ['test', folder], { encoding: 'utf8' });
    assert.equal(tested.status, 0, tested.stdout + tested.stderr);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
