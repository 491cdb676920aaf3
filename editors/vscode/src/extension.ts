/** Lotse for VS Code: what the language server knows, shown as the editor shows such things. */
import * as vscode from 'vscode';

import { Preview } from './preview/panel';
import { RUN_TEST, SHOW_PICTURE, type At } from './protocol';
import { Server } from './server';
import { Tests } from './tests';

let server: Server | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const log = vscode.window.createOutputChannel('Lotse', { log: true });
  server = new Server(log, {
    // Code lenses name commands of the server; these two are done here, where there is a window.
    executeCommand: (command, given: unknown[], next) => {
      if (command === RUN_TEST) return tests.run(String(given[0]));
      if (command === SHOW_PICTURE) return preview.show(given[0] as At);
      return next(command, given);
    },
  });
  const preview = new Preview(server, context.extensionUri);
  const tests = new Tests(server);
  context.subscriptions.push(
    log,
    server,
    preview,
    tests,
    vscode.commands.registerCommand('lotse.preview', () => preview.show()),
    vscode.commands.registerCommand('lotse.restart', () => server?.start()),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration('lotse.path')) void server?.start();
    }),
  );
  await server.start();
}

export async function deactivate(): Promise<void> {
  await server?.stop();
}
