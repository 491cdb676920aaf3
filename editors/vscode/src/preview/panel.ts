/** The preview: the picture of the journey at the cursor, and the mail there. */
import { randomBytes } from 'node:crypto';

import * as vscode from 'vscode';

import { mail, picture, type At } from '../protocol';
import { DOCUMENTS, said, type Server } from '../server';
import { page } from './page';
import type { Told } from './view';

/** How long the cursor rests before the preview follows, in milliseconds. */
const REST = 120;

export class Preview implements vscode.Disposable {
  #panel: vscode.WebviewPanel | undefined;
  #asked: vscode.CancellationTokenSource | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Where the cursor was last. */
  #at: At | undefined;
  /** Where there was last something to show. */
  #shown: At | undefined;
  readonly #listeners: vscode.Disposable[];

  constructor(
    private readonly server: Server,
    private readonly extension: vscode.Uri,
  ) {
    this.#listeners = [
      vscode.window.onDidChangeTextEditorSelection(({ textEditor }) => this.#follow(cursor(textEditor))),
      vscode.window.onDidChangeActiveTextEditor((editor) => this.#follow(cursor(editor))),
      // The cursor does not move with an edit elsewhere, such as an undo.
      vscode.workspace.onDidChangeTextDocument(({ document }) => ours(document) && this.#follow(this.#at)),
      server.onStarted(() => this.#follow(this.#at)),
    ];
  }

  /** Opens the preview beside the text, for a place or else for the cursor. */
  show(at?: At): void {
    if (!this.#panel) {
      this.#panel = this.#open();
    } else {
      this.#panel.reveal(undefined, true);
    }
    this.#follow(at ?? cursor(vscode.window.activeTextEditor));
  }

  dispose(): void {
    this.#listeners.forEach((listener) => void listener.dispose());
    this.#panel?.dispose();
  }

  #open(): vscode.WebviewPanel {
    const roots = [vscode.Uri.joinPath(this.extension, 'dist'), vscode.Uri.joinPath(this.extension, 'media')];
    const panel = vscode.window.createWebviewPanel(
      'lotse.preview',
      'Lotse preview',
      { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true },
      // A page that was hidden keeps what it shows.
      { enableScripts: true, localResourceRoots: roots, retainContextWhenHidden: true },
    );
    const file = (...parts: string[]): string =>
      panel.webview.asWebviewUri(vscode.Uri.joinPath(this.extension, ...parts)).toString();
    panel.webview.html = page(
      panel.webview.cspSource,
      file('dist', 'view.js'),
      file('media', 'preview.css'),
      randomBytes(16).toString('base64'),
    );
    panel.onDidDispose(() => {
      clearTimeout(this.#timer);
      this.#asked?.cancel();
      this.#shown = undefined;
      this.#panel = undefined;
    });
    return panel;
  }

  #follow(at: At | undefined): void {
    if (!at) return;
    this.#at = at;
    if (!this.#panel) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#fill(at), REST);
  }

  async #fill(at: At): Promise<void> {
    this.#asked?.cancel();
    const { token } = (this.#asked = new vscode.CancellationTokenSource());
    let told = await this.#told(at, token);
    if (token.isCancellationRequested) return;
    // Between journeys, in a page of another project and while a name is broken, what was shown stays.
    if (!isEmpty(told)) this.#shown = at;
    else if (this.#shown) told = await this.#told(this.#shown, token);
    if (token.isCancellationRequested || (this.#shown && isEmpty(told))) return;
    await this.#panel?.webview.postMessage(told);
  }

  /** What stands at a place. */
  async #told(at: At, token: vscode.CancellationToken): Promise<Told> {
    const [drawn, written] = await Promise.allSettled([
      this.server.demand(picture, at, token),
      this.server.demand(mail, at, token),
    ]);
    return {
      picture: drawn.status === 'fulfilled' ? drawn.value : null,
      mail: written.status === 'fulfilled' ? written.value : null,
      note: [drawn, written]
        .flatMap((answer) => (answer.status === 'rejected' ? [said(answer.reason)] : []))
        .join('\n'),
    };
  }
}

function isEmpty(told: Told): boolean {
  return !told.picture && !told.mail && told.note === '';
}

/** Whether a text is one of those that journeys are made of. */
function ours(document: vscode.TextDocument): boolean {
  return vscode.languages.match(DOCUMENTS, document) > 0;
}

/** Where the cursor is, in a text that journeys are made of. */
function cursor(editor: vscode.TextEditor | undefined): At | undefined {
  if (!editor || !ours(editor.document)) return undefined;
  const { line, character } = editor.selection.active;
  return { uri: editor.document.uri.toString(), position: { line, character } };
}
