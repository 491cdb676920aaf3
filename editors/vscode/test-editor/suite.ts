/** What a person sees who writes journeys in VS Code, asked of VS Code itself. */
import assert from 'node:assert/strict';

import * as vscode from 'vscode';

/** How long is waited for what must come, in milliseconds. */
const PATIENCE = 20_000;

const folder = vscode.workspace.workspaceFolders?.[0]?.uri ?? assert.fail('no folder is open');
const journey = vscode.Uri.joinPath(folder, 'welcome.journey');

/** A file of the workspace with this text. */
async function written(name: string, text: string): Promise<vscode.Uri> {
  const uri = vscode.Uri.joinPath(folder, name);
  await vscode.workspace.fs.writeFile(uri, new TextEncoder().encode(text));
  return uri;
}

/** Waits until something is there. */
async function until<T>(what: string, look: () => T | undefined | PromiseLike<T | undefined>): Promise<T> {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > end) assert.fail(`it did not come: ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

async function opened(uri: vscode.Uri): Promise<vscode.TextEditor> {
  return vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), vscode.ViewColumn.One);
}

/** Where a text stands, or where it ends. */
function place(document: vscode.TextDocument, text: string, end = false): vscode.Position {
  const at = document.getText().indexOf(text);
  assert.notEqual(at, -1, `the text has no ${text}`);
  return document.positionAt(end ? at + text.length : at);
}

async function replace(editor: vscode.TextEditor, text: string, by: string): Promise<void> {
  const range = new vscode.Range(place(editor.document, text), place(editor.document, text, true));
  assert.ok(await editor.edit((edit) => edit.replace(range, by)));
}

const codes = (uri: vscode.Uri): string[] =>
  vscode.languages.getDiagnostics(uri).map(({ code }) => String(typeof code === 'object' ? code.value : code));

const tests: Record<string, () => Promise<void>> = {
  'a mistake is found while it is typed, and its fix mends it': async () => {
    const editor = await opened(journey);
    const text = editor.document.getText();
    await replace(editor, 'send email welcome', 'send email welcom');
    await until('a finding', () => (codes(journey).includes('E101') ? true : undefined));
    const at = place(editor.document, 'welcom\n');
    const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>(
      'vscode.executeCodeActionProvider',
      journey,
      new vscode.Range(at, at),
      vscode.CodeActionKind.QuickFix.value,
    );
    const fix = actions.find(({ edit }) => edit) ?? assert.fail(`there is no fix: ${JSON.stringify(actions)}`);
    assert.ok(fix.edit && (await vscode.workspace.applyEdit(fix.edit)));
    await until('no finding', () => (codes(journey).includes('E101') ? undefined : true));
    assert.equal(editor.document.getText(), text);
    await seen('findings', '.monaco-editor');
  },

  'a journey that is in no file yet is looked at': async () => {
    const document = await vscode.workspace.openTextDocument({ language: 'journey', content: 'journey new {\n  enter by requst\n}\n' });
    await vscode.window.showTextDocument(document, vscode.ViewColumn.One);
    await until('a finding', () => (codes(document.uri).length > 0 ? true : undefined));
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
    await until('no finding', () => (codes(document.uri).length > 0 ? undefined : true));
  },

  'a folder that goes takes its findings along': async () => {
    const uri = await written('more/other.journey', 'journey other {\n  enter on nothing\n}\n');
    await until('findings', () => (codes(uri).length > 0 ? true : undefined));
    await vscode.workspace.fs.delete(vscode.Uri.joinPath(folder, 'more'), { recursive: true });
    await until('no findings', () => (codes(uri).length > 0 ? undefined : true));
  },

  'completion knows the place': async () => {
    const editor = await opened(journey);
    const at = place(editor.document, 'send email ', true);
    const list = await vscode.commands.executeCommand<vscode.CompletionList>('vscode.executeCompletionItemProvider', journey, at);
    const labels = list.items.map(({ label }) => (typeof label === 'string' ? label : label.label));
    assert.ok(labels.includes('welcome'), labels.join(' '));
  },

  'Enter behind a brace and behind a whole word begins a line': async () => {
    const editor = await opened(await written('typed.journey', ''));
    type('journey typed {\nstage one {\nsend email welcome\nend\n# ready');
    const text = await until('what was typed', () => {
      const text = editor.document.getText();
      return text.includes('ready') ? text : undefined;
    });
    assert.equal(text, 'journey typed {\n  stage one {\n    send email welcome\n    end\n    # ready\n  }\n}');
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
    await vscode.workspace.fs.delete(vscode.Uri.joinPath(folder, 'typed.journey'));
  },

  'hover tells what a word does': async () => {
    const editor = await opened(journey);
    const hovers = await vscode.commands.executeCommand<vscode.Hover[]>(
      'vscode.executeHoverProvider',
      journey,
      place(editor.document, 'wait up to'),
    );
    assert.ok(hovers.length > 0);
  },

  'a message leads to where it is declared': async () => {
    const editor = await opened(journey);
    const found = await vscode.commands.executeCommand<(vscode.Location | vscode.LocationLink)[]>(
      'vscode.executeDefinitionProvider',
      journey,
      place(editor.document, 'send email ', true),
    );
    const target = found[0] ?? assert.fail('there is no definition');
    const uri = 'targetUri' in target ? target.targetUri : target.uri;
    assert.ok(uri.path.endsWith('/messages.journey'), uri.path);
  },

  'a text is laid out': async () => {
    const editor = await opened(journey);
    const text = editor.document.getText();
    await replace(editor, 'send email welcome', 'send    email   welcome');
    await vscode.commands.executeCommand('editor.action.formatDocument');
    assert.equal(editor.document.getText(), text);
  },

  'above tests stands what runs them': async () => {
    await opened(journey);
    const lenses = await until('code lenses', async () => {
      const found = await vscode.commands.executeCommand<vscode.CodeLens[]>('vscode.executeCodeLensProvider', journey, 99);
      return found.length > 0 ? found : undefined;
    });
    const commands = lenses.map(({ command }) => command?.command);
    assert.ok(commands.includes('lotse.showPicture'), commands.join(' '));
    const run = lenses.find(({ command }) => command?.command === 'lotse.runTest')?.command;
    assert.ok(run, commands.join(' '));
    await vscode.commands.executeCommand(run.command, ...((run.arguments ?? []) as unknown[]));
    await vscode.commands.executeCommand('workbench.view.testing.focus');
    await vscode.commands.executeCommand('testing.runAll');
    await seen('tests', '.codicon-testing-passed-icon');
  },

  'the preview follows the cursor': async () => {
    const editor = await opened(journey);
    editor.selection = new vscode.Selection(place(editor.document, 'stage '), place(editor.document, 'stage '));
    await vscode.commands.executeCommand('lotse.preview');
    await until('the preview', () =>
      vscode.window.tabGroups.all
        .flatMap(({ tabs }) => tabs)
        .find(({ input }) => input instanceof vscode.TabInputWebview && input.viewType.endsWith('lotse.preview')),
    );
    await seen('picture', '#picture:not([hidden])>img[src^="data:image/svg"]');
    const messages = await opened(vscode.Uri.joinPath(folder, 'messages.journey'));
    const at = place(messages.document, 'subject');
    messages.selection = new vscode.Selection(at, at);
    await seen('mail', '#mail:not([hidden])>iframe');
    // A page that belongs to no message is none of ours, and nor is what stands between journeys.
    await opened(await written('notes.txt', 'nothing of ours'));
    await seen('mail-stays', '#mail:not([hidden])>iframe');
    const again = await opened(messages.document.uri);
    const between = place(again.document, '\n\n').translate(1).with({ character: 0 });
    again.selection = new vscode.Selection(between, between);
    await seen('mail-stays-between', '#mail:not([hidden])>iframe');
  },

  'the preview is light or dark as the window is': async () => {
    const settings = vscode.workspace.getConfiguration('workbench');
    await settings.update('colorTheme', 'Default Dark Modern', vscode.ConfigurationTarget.Global);
    const editor = await opened(journey);
    const at = place(editor.document, 'send email ', true);
    editor.selection = new vscode.Selection(at, at);
    await seen('dark', 'body.vscode-dark>#picture:not([hidden])>img');
    await settings.update('colorTheme', undefined, vscode.ConfigurationTarget.Global);
    await seen('light', 'body.vscode-light>#picture:not([hidden])>img');
  },

  'a test that fails says so at its line': async () => {
    const editor = await opened(journey);
    await replace(editor, 'expect outcome greeted', 'expect outcome unknown');
    await replace(editor, 'end as greeted', 'if contact.first_name is not set { end as unknown } end as greeted');
    await vscode.commands.executeCommand('testing.runAll');
    editor.revealRange(new vscode.Range(place(editor.document, 'expect outcome'), place(editor.document, 'expect outcome')));
    await seen('failure', '.test-error-content-widget');
    await seen('failure-lens', '.codelens-decoration:has-text("✗")');
  },
};

/** Has the window looked at: whether what the selector says is there. It is drawn by then, and pictures show it. */
async function seen(name: string, selector: string): Promise<void> {
  console.log(`see ${name} ${selector}`);
  await new Promise((done) => setTimeout(done, 2000));
}

/** Has the keys pressed, one after the other, as a person does. */
function type(text: string): void {
  console.log(`type ${JSON.stringify(text)}`);
}

export async function run(): Promise<void> {
  const failed: string[] = [];
  for (const [name, test] of Object.entries(tests)) {
    try {
      await test();
      console.log(`ok ${name}`);
    } catch (error) {
      failed.push(name);
      console.log(`not ok ${name}\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
  }
  console.log(`${Object.keys(tests).length - failed.length} passed, ${failed.length} failed`);
  if (failed.length > 0) throw new Error(failed.join(', '));
}
