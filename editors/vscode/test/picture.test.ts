import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node';

import { marked } from '../src/preview/picture';
import type { Picture } from '../src/protocol';

const program = process.env['LOTSE'];

const JOURNEY = `journey welcome {
  enter by request
  stage first { wait 1 day  go to second }
  stage second { wait 1 day  go to third }
  stage third { wait 1 day  end }
}
`;

/** The picture of the journey for a place in it, as the server gives it. */
async function drawn(...lines: number[]): Promise<(Picture | null)[]> {
  const server = spawn(program ?? '', ['lsp'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const talk = createMessageConnection(new StreamMessageReader(server.stdout), new StreamMessageWriter(server.stdin));
  talk.listen();
  await talk.sendRequest('initialize', { processId: null, rootUri: null, capabilities: {} });
  await talk.sendNotification('initialized', {});
  const uri = pathToFileURL('/nowhere/welcome.journey').href;
  await talk.sendNotification('textDocument/didOpen', {
    textDocument: { uri, languageId: 'journey', version: 1, text: JOURNEY },
  });
  const pictures: (Picture | null)[] = [];
  for (const line of lines) {
    pictures.push(await talk.sendRequest('lotse/picture', { uri, position: { line, character: 4 } }));
  }
  await talk.sendRequest('shutdown');
  await talk.sendNotification('exit');
  talk.dispose();
  return pictures;
}

test('the marked stage is found in the picture', { skip: program ? false : 'LOTSE names no program' }, async () => {
  const [head, ...stages] = await drawn(1, 2, 3, 4);
  assert.equal(head?.title, 'welcome');
  assert.equal(marked(head?.svg ?? ''), undefined, 'the first lines are in no stage');
  let before = 0;
  for (const stage of stages) {
    const { from, to } = marked(stage?.svg ?? '') ?? assert.fail('no stage is marked');
    assert.ok(before < from && from < to && to < 1, `${before} ${from} ${to}`);
    before = to;
  }
});
