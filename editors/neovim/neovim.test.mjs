/**
 * Neovim with the settings that `docs/guide/editors.md` gives, driven by `driver.lua`.
 *
 * `LOTSE=…/lotse node --test editors/neovim/`; NEOVIM names the program if it is not on the path as `nvim`. It needs Neovim
 * 0.11, which `python3 -m pip install --target FOLDER --require-hashes -r requirements.txt` brings, and a C compiler. Where
 * one of the programs is missing, the test is left out; with LOTSE_CI set it fails.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '../..');
const nvim = process.env.NEOVIM ?? 'nvim';
const lotse = process.env.LOTSE;

function missing() {
  if (!lotse) return 'LOTSE names no program';
  const { stdout } = spawnSync(nvim, ['--version'], { encoding: 'utf8' });
  const [, minor] = /NVIM v0\.(\d+)/.exec(stdout ?? '') ?? [];
  return Number(minor) >= 11 ? false : 'there is no Neovim 0.11 or later';
}

/** The blocks of the guide that are in a language. */
function blocks(language) {
  const page = readFileSync(join(root, 'docs/guide/editors.md'), 'utf8');
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(([, text]) => text);
}

test('journeys are written in Neovim', { skip: !process.env.LOTSE_CI && missing() }, () => {
  assert.ok(!missing(), `${missing()}: everything must be tested here`);
  const folder = mkdtempSync(join(tmpdir(), 'lotse-neovim-'));
  try {
    const site = join(folder, 'data/nvim/site');
    mkdirSync(join(folder, 'config/nvim'), { recursive: true });
    writeFileSync(join(folder, 'config/nvim/init.lua'), blocks('lua')[0]);
    // The commands of the guide, with the folder of this test for the reader's.
    const commands = blocks('console').find((text) => text.startsWith('$ site=')).replace(/^\$ /gm, '');
    execFileSync('sh', ['-ec', commands.replace(/^site=.*$/m, `site=${site}`)], { cwd: root });
    execFileSync(lotse, ['new', join(folder, 'shop')], { stdio: 'ignore' });
    const { status, stdout, stderr } = spawnSync(nvim, ['--headless', '-c', `luafile ${join(here, 'driver.lua')}`], {
      encoding: 'utf8',
      timeout: 120_000,
      env: {
        ...process.env,
        PATH: `${dirname(resolve(lotse))}${delimiter}${process.env.PATH}`,
        LOTSE_WORKSPACE: join(folder, 'shop'),
        XDG_CONFIG_HOME: join(folder, 'config'),
        XDG_DATA_HOME: join(folder, 'data'),
        XDG_STATE_HOME: join(folder, 'state'),
        XDG_CACHE_HOME: join(folder, 'cache'),
      },
    });
    assert.equal(status, 0, stdout + stderr);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
