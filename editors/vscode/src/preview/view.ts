/** The script of the preview's page: it shows what it is told, and runs in the page. */
import { address, marked } from './picture';

export interface Told {
  picture: { title: string; svg: string } | null;
  mail: { subject: string; html: string; text: string } | null;
  /** Why something is not shown. */
  note: string;
}

const find = <E extends HTMLElement>(selector: string): E => {
  const found = document.querySelector<E>(selector);
  if (!found) throw new Error(`the page has no ${selector}`);
  return found;
};

const note = find('#note');
const picture = find('#picture');
const mail = find('#mail');

window.addEventListener('message', ({ data }: MessageEvent<Told>) => {
  picture.hidden = !data.picture;
  mail.hidden = !data.mail;
  const nothing = data.picture || data.mail ? '' : 'Put the cursor into a journey or a message.';
  note.textContent = data.note || nothing;
  if (data.picture) {
    const image = find<HTMLImageElement>('#picture img');
    image.alt = `The journey ${data.picture.title}`;
    void draw(image, data.picture.svg);
  }
  if (data.mail) {
    find('#mail h2').textContent = data.mail.subject;
    const frame = find<HTMLIFrameElement>('#mail iframe');
    const text = find('#mail pre');
    frame.hidden = data.mail.html === '';
    text.hidden = !frame.hidden;
    text.textContent = data.mail.text;
    if (frame.srcdoc !== data.mail.html) frame.srcdoc = data.mail.html;
  }
});

/** Draws a picture, and brings into view the stage that is marked in it. */
async function draw(image: HTMLImageElement, svg: string): Promise<void> {
  const drawn = address(svg);
  if (image.src === drawn) return;
  image.src = drawn;
  await image.decode().catch(() => {});
  const mark = marked(svg);
  if (!mark || image.src !== drawn) return;
  const { top, height } = image.getBoundingClientRect();
  const [from, to] = [top + mark.from * height, top + mark.to * height];
  if (from < 0 || to > window.innerHeight) window.scrollBy({ top: (from + to - window.innerHeight) / 2 });
}
