/** The preview: the picture of the journey at the cursor, and the mail there. */
import { randomBytes } from 'node:crypto';

import * as vscode from 'vscode';

import { mail, picture, type At } from '../protocol';
import type { Server } from '../server';
import { address, page, type Shown } from './page';

/** How long the cursor rests before the preview follows, in milliseconds. */
const REST = 120;

export class Preview implements vscode.Disposable {
  #panel: vscode.WebviewPanel | undefined;
  #asked: vscode.CancellationTokenSource | undefined;
  #timer: NodeJS.Timeout | undefined;
  #at: At | undefined;
  readonly #listeners: vscode.Disposable[];

  constructor(
    private readonly server: Server,
    private readonly extension: vscode.Uri,
  ) {
    const follow = (editor: vscode.TextEditor | undefined): void => {
      if (editor?.document.languageId === 'journey') this.#follow(place(editor.document, editor.selection.active));
    };
    this.#listeners = [
      vscode.window.onDidChangeTextEditorSelection(({ textEditor }) => follow(textEditor)),
      vscode.window.onDidChangeActiveTextEditor(follow),
      // The cursor does not move with an edit elsewhere, such as an undo.
      vscode.workspace.onDidChangeTextDocument(() => this.#at && this.#follow(this.#at)),
      server.onStarted(() => this.#at && this.#follow(this.#at)),
    ];
  }

  /** Opens the preview beside the text, for a place or else for the cursor. */
  show(at?: At): void {
    if (!this.#panel) {
      this.#panel = this.#open();
    } else {
      this.#panel.reveal(undefined, true);
    }
    const editor = vscode.window.activeTextEditor;
    const here = at ?? (editor && place(editor.document, editor.selection.active));
    if (here) this.#follow(here);
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
      this.#panel = undefined;
    });
    return panel;
  }

  #follow(at: At): void {
    this.#at = at;
    if (!this.#panel) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#fill(at), REST);
  }

  async #fill(at: At): Promise<void> {
    this.#asked?.cancel();
    const asked = (this.#asked = new vscode.CancellationTokenSource());
    const [drawn, written] = await Promise.all([
      this.server.ask(picture, at, asked.token),
      this.server.ask(mail, at, asked.token),
    ]);
    if (asked.token.isCancellationRequested || !this.#panel) return;
    await this.#tell({ picture: drawn ?? null, mail: written ?? null });
  }

  async #tell({ picture: drawn, mail: written }: Shown): Promise<void> {
    await this.#panel?.webview.postMessage({
      picture: drawn && { title: drawn.title, address: address(drawn.svg) },
      mail: written,
    });
  }
}

function place(document: vscode.TextDocument, position: vscode.Position): At {
  return { uri: document.uri.toString(), position: { line: position.line, character: position.character } };
}
