/**
 * Runs `test-editor/` in a real VS Code: the build that the package `code-server` brings, its page opened in a Chromium
 * without a window.
 *
 * `LOTSE=…/lotse node scripts/editor.mjs [PICTURES]`; with PICTURES, a folder, it leaves pictures of the window there.
 * CHROMIUM names the browser where it is not on the path as `chromium`.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { build } from 'esbuild';
import { chromium } from 'playwright-core';

/** The last whose VS Code, 1.100, runs on Node 20. */
const CODE_SERVER = '4.100.3';
/** How long everything may take, in milliseconds. */
const PATIENCE = 180_000;
/** How long it is from one key to the next, in milliseconds: lists open meanwhile. */
const KEY = 150;

const lotse = process.env['LOTSE'];
if (!lotse) throw new Error('LOTSE names no program');
const pictures = process.argv[2];

const code = editor(resolve(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), `lotse-code-server-${CODE_SERVER}`));
const folder = mkdtempSync(join(tmpdir(), 'lotse-editor-'));
const workspace = join(folder, 'shop');
execFileSync(lotse, ['new', workspace], { stdio: 'ignore' });
const settings = join(folder, 'data/data/User');
mkdirSync(settings, { recursive: true });
writeFileSync(
  join(settings, 'settings.json'),
  JSON.stringify({ 'lotse.path': resolve(lotse), 'workbench.startupEditor': 'none',  'security.workspace.trust.enabled': false }),
);
await build({
  entryPoints: ['test-editor/suite.ts'], outfile: 'dist-test/suite.js', bundle: true,
  platform: 'node', format: 'cjs', target: 'node20', external: ['vscode'],
});

const port = await free();
const server = spawn(
  process.execPath,
  [
    join(code, 'out/server-main.js'), '--host', '127.0.0.1', '--port', String(port), '--without-connection-token',
    '--accept-server-license-terms', '--telemetry-level', 'off', '--server-data-dir', join(folder, 'data'),
  ],
  { stdio: 'ignore' },
);
const browser = await chromium.launch({ executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
let ended = 1;
try {
  ended = await run(await browser.newPage({ viewport: { width: 1400, height: 900 } }));
} finally {
  await browser.close();
  server.kill();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(ended);

/** Opens the page and waits for what the tests say; how they ended. */
async function run(page) {
  const looks = [];
  const end = new Promise((done, fail) => {
    setTimeout(() => fail(new Error('the tests did not end')), PATIENCE).unref();
    // The two names are those that VS Code's page calls.
    page.exposeFunction('codeAutomationExit', done);
    page.exposeFunction('codeAutomationLog', async (_kind, [told]) => {
      const [what, name, selector] = String(told).split(' ');
      if (what === 'type') {
        await page.keyboard.type(JSON.parse(String(told).slice('type '.length)), { delay: KEY });
      } else if (what === 'see') {
        const look = see(page, selector);
        looks.push(look);
        await look.catch(() => {});
        if (pictures) await page.screenshot({ path: join(pictures, `${name}.png`) });
      } else {
        console.log(told);
      }
    });
  });
  await reachable();
  const here = (path) => `vscode-remote://127.0.0.1:${port}${resolve(path)}`;
  const payload = [
    ['extensionDevelopmentPath', here('.')],
    ['extensionTestsPath', here('dist-test/suite')],
    ['skipWelcome', 'true'],
  ];
  const query = new URLSearchParams({ folder: workspace, payload: JSON.stringify(payload) });
  await page.goto(`http://127.0.0.1:${port}/?${query}`);
  const status = await end;
  await Promise.all(looks);
  return status;
}

/** Waits until something stands somewhere in the window, in the frames of its pages too. */
async function see(page, selector) {
  for (let tries = 0; tries < 100; tries += 1) {
    for (const frame of page.frames()) {
      if (await frame.locator(selector).first().isVisible().catch(() => false)) return;
    }
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`the window does not show ${selector}`);
}

async function reachable() {
  for (let tries = 0; tries < 100; tries += 1) {
    const answer = await fetch(`http://127.0.0.1:${port}/version`).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error('VS Code does not answer');
}

function free() {
  return new Promise((done) => {
    const listening = createServer().listen(0, '127.0.0.1', () => {
      const { port: found } = listening.address();
      listening.close(() => done(found));
    });
  });
}

/** The folder of VS Code's server, brought there once. What its packages would fetch by themselves is not needed. */
function editor(cache) {
  const within = join(cache, 'node_modules/code-server/lib/vscode');
  const ready = join(cache, 'ready');
  if (existsSync(ready)) return within;
  console.log(`bringing VS Code into ${cache}`);
  rmSync(cache, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  writeFileSync(join(cache, 'package.json'), '{ "private": true }');
  const npm = (cwd, ...given) => execFileSync('npm', [...given, '--no-audit', '--no-fund'], { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
  npm(cache, 'install', '--ignore-scripts', `code-server@${CODE_SERVER}`);
  npm(within, 'install', '--ignore-scripts', '--omit=dev');
  for (const native of ['@vscode/spdlog', 'native-watchdog']) npm(within, 'rebuild', native);
  npm(join(within, 'extensions'), 'install', '--ignore-scripts', '--omit=dev');
  symlinkSync('node_modules', join(within, 'node_modules.asar'));
  writeFileSync(ready, '');
  return within;
}
