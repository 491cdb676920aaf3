import assert from 'node:assert/strict';
import { test } from 'node:test';

import { find, type Surroundings } from '../src/program';

const around = (files: string[], more: Partial<Surroundings> = {}): Surroundings => ({
  platform: 'linux',
  home: '/home/ada',
  path: '/usr/local/bin:/usr/bin',
  runs: (file) => files.includes(file),
  ...more,
});

test('the first program on the path is taken', () => {
  assert.deepEqual(find('', around(['/usr/bin/lotse', '/usr/local/bin/lotse'])), { file: '/usr/local/bin/lotse' });
});

test('the folder of cargo is looked at last', () => {
  const cargo = '/home/ada/.cargo/bin/lotse';
  assert.deepEqual(find('', around([cargo])), { file: cargo });
  assert.deepEqual(find('', around([cargo], { path: undefined })), { file: cargo });
  assert.deepEqual(find('', around([cargo, '/usr/bin/lotse'])), { file: '/usr/bin/lotse' });
});

test('what the setting names is taken, and nothing else', () => {
  assert.deepEqual(find(' /opt/lotse ', around(['/opt/lotse', '/usr/bin/lotse'])), { file: '/opt/lotse' });
  assert.deepEqual(find('~/lotse', around(['/home/ada/lotse'])), { file: '/home/ada/lotse' });
  assert.deepEqual(find('/opt/lotse', around(['/usr/bin/lotse'])), {
    missing: 'there is no program `/opt/lotse`, which the setting lotse.path names',
  });
});

test('Windows has its own names', () => {
  const windows = around(['C:\\tools\\lotse.exe'], { platform: 'win32', home: 'C:\\Users\\ada', path: 'C:\\x;C:\\tools' });
  assert.deepEqual(find('', windows), { file: 'C:\\tools\\lotse.exe' });
});

test('where there is no program the message says what to do', () => {
  assert.deepEqual(find('', around([])), {
    missing: 'the program `lotse` is not on the PATH: install it, or name it in the setting lotse.path',
  });
});
