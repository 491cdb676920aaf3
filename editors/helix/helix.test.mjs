/**
 * Helix with the settings that `docs/guide/editors.md` gives, driven by its keys in a terminal.
 *
 * `LOTSE=…/lotse node --test editors/helix/`; HELIX names the program if it is not on the path as `hx`. It needs Helix 25.01,
 * tmux and a C compiler, and is left out where they are missing.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';

const root = fileURLToPath(new URL('../..', import.meta.url));
const hx = process.env.HELIX ?? 'hx';
const lotse = process.env.LOTSE;
/** How long is waited for what must come, in milliseconds. */
const PATIENCE = 20_000;

function missing() {
  if (!lotse) return 'LOTSE names no program';
  const { stdout } = spawnSync(hx, ['--version'], { encoding: 'utf8' });
  const [, year] = /helix (\d+)\./.exec(stdout ?? '') ?? [];
  if (!(Number(year) >= 25)) return 'there is no Helix 25.01 or later';
  return spawnSync('tmux', ['-V']).error ? 'there is no tmux' : false;
}

/** The block of the guide's part about Helix that begins so. */
function block(language, begin) {
  const page = readFileSync(join(root, 'docs/guide/editors.md'), 'utf8');
  const blocks = page.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'));
  return [...blocks].map(([, text]) => text).find((text) => text.startsWith(begin));
}

const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** A terminal of its own in which the editor runs. */
class Terminal {
  #tmux;

  constructor(folder, environment, command) {
    this.#tmux = (...given) =>
      execFileSync('tmux', ['-f', '/dev/null', '-S', join(folder, 'tmux'), ...given], { encoding: 'utf8', env: environment });
    this.#tmux('new-session', '-d', '-x', '120', '-y', '50', '-c', join(folder, 'shop'), command);
  }

  screen() {
    return this.#tmux('capture-pane', '-p');
  }

  /** Presses keys that have names. */
  press(...keys) {
    this.#tmux('send-keys', ...keys);
  }

  /** Types a text, one key after the other: Helix 25.01 may tell in any order what is typed at once. */
  async type(text) {
    for (const key of text) {
      this.#tmux('send-keys', '-l', key);
      await pause(15);
    }
  }

  /** Leaves whatever is open. A key that comes right behind Escape would be taken for one with Alt. */
  async escape() {
    await this.until('the normal mode', (screen) => {
      this.press('Escape');
      return /^ NOR /m.test(screen);
    });
    await pause(100);
  }

  async command(line) {
    await this.escape();
    await this.type(`:${line}`);
    this.press('Enter');
  }

  /** Puts the cursor onto a text, all of which is selected. */
  async find(text) {
    await this.escape();
    await this.type(`/${text}`);
    this.press('Enter');
  }

  /** Waits until something holds; what is on the screen where it never does. */
  async until(what, look) {
    for (const end = Date.now() + PATIENCE; !look(this.screen()); ) {
      if (Date.now() > end) assert.fail(`${what} did not come:\n${this.screen()}`);
      await pause(50);
    }
  }

  /** Waits until the screen has something, or a line that has one text has another too. */
  async sees(what, ...parts) {
    await this.until(what, (screen) => screen.split('\n').some((line) => parts.every((part) => line.includes(part))));
  }

  end() {
    this.#tmux('kill-server');
  }
}

test('journeys are written in Helix', { skip: missing() }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lotse-helix-'));
  const config = join(folder, 'config/helix');
  const log = join(folder, 'cache/helix/helix.log');
  mkdirSync(config, { recursive: true });
  mkdirSync(dirname(log), { recursive: true });
  writeFileSync(join(config, 'languages.toml'), block('toml', '[language-server.lotse]'));
  // The commands of the guide, with the folder of this test for the reader's.
  const commands = block('console', '$ helix=').replace(/^\$ /gm, '');
  execFileSync('sh', ['-ec', commands.replace(/^helix=.*$/m, `helix=${config}/runtime`)], { cwd: root });
  execFileSync(lotse, ['new', join(folder, 'shop')], { stdio: 'ignore' });
  const environment = {
    ...process.env,
    PATH: `${dirname(resolve(lotse))}${delimiter}${process.env.PATH}`,
    XDG_CONFIG_HOME: join(folder, 'config'),
    XDG_CACHE_HOME: join(folder, 'cache'),
  };
  const health = spawnSync(hx, ['--health', 'journey'], { encoding: 'utf8', env: environment }).stdout;
  assert.match(health, /✓.* lotse: /, health);
  assert.match(health, /Tree-sitter parser: .*✓/, health);

  const terminal = new Terminal(folder, environment, `${hx} welcome.journey`);
  const written = (name) => readFileSync(join(folder, 'shop', name), 'utf8');
  const before = written('welcome.journey');
  try {
    await terminal.sees('the file', 'send email welcome');
    await terminal.find('send email welcome');
    terminal.press('a');
    await terminal.type('x');
    await terminal.escape();
    await terminal.sees('a finding', '●', 'send email welcomex');
    await terminal.type(' a');
    await terminal.sees('its fix', 'Write `welcome`');
    terminal.press('Enter');
    await terminal.until('the mended text', (screen) => !screen.includes('●') && !screen.includes('welcomex'));

    await terminal.find('send email tips');
    terminal.press('o');
    await terminal.type('send email ');
    await terminal.sees('completion', 'welcome reference');
    await terminal.escape();
    terminal.press('u');

    await terminal.find('wait up');
    await terminal.type(' k');
    await terminal.sees('hover', 'Waits for the first of several');

    await terminal.find('send email welcome');
    await terminal.type('gd');
    await terminal.sees('the definition', 'email welcome {');
    await terminal.type(' r');
    await terminal.sees('the question for a name', 'rename-to:');
    terminal.press('C-w');
    await terminal.type('greeting_mail');
    terminal.press('Enter');
    await terminal.sees('the new name', 'email greeting_mail {');
    await terminal.command('wa');
    await terminal.until('both files', () => written('welcome.journey') !== before);
    const apart = (text) => text.replace(/ +/g, ' ');
    const renamed = before.replace(/(?<=\bemail |\bclicked )welcome\b/g, 'greeting_mail');
    assert.equal(apart(written('welcome.journey')), apart(renamed));
    execFileSync(lotse, ['fmt', '--check', join(folder, 'shop')], { stdio: 'pipe' });
    assert.match(written('messages.journey'), /^email greeting_mail \{/m);

    await terminal.command('o messages.journey');
    await terminal.sees('the messages', 'email tips {');
    await terminal.find('email tips');
    terminal.press('c');
    await terminal.type('email    tips');
    await terminal.command('w');
    await terminal.until('the one form', (screen) => screen.includes('email tips {') && !screen.includes('[+]'));
    assert.match(written('messages.journey'), /^email tips \{/m);
    const told = existsSync(log) ? readFileSync(log, 'utf8') : '';
    assert.doesNotMatch(told, /"journey"|lotse err/, told);
  } finally {
    terminal.end();
    rmSync(folder, { recursive: true });
  }
});
