import { parse } from "./morph";

/**
 * Loads the content of a file when its details are opened.
 *
 *     <file-preview>
 *       <details> <summary>rc</summary> <a data-page href="…/artifacts/rc">Open</a> </details>
 *     </file-preview>
 *
 * The content is that of the linked page. Without this script, the link opens the page.
 */
export class FilePreview extends HTMLElement {
  #abort = new AbortController();

  connectedCallback(): void {
    this.#abort = new AbortController();
    // The event doesn't bubble.
    const options = { capture: true, signal: this.#abort.signal };
    this.addEventListener("toggle", (event) => this.#opened(event.target), options);
  }

  disconnectedCallback(): void {
    this.#abort.abort();
  }

  #opened(details: EventTarget | null): void {
    if (!(details instanceof HTMLDetailsElement) || !details.open) return;
    const link = details.querySelector<HTMLAnchorElement>(":scope > p > a[data-page]");
    if (!link || details.dataset.state) return;
    details.dataset.state = "loading";
    this.#load(details, link.href).catch(() => {
      if (this.#abort.signal.aborted) return;
      // Opening it again tries again.
      delete details.dataset.state;
      show(details, [text("The content can’t be loaded; open the file as a page.")]);
    });
  }

  async #load(details: HTMLDetailsElement, page: string): Promise<void> {
    const answer = await fetch(page, {
      headers: { Accept: "text/html" },
      signal: this.#abort.signal,
    });
    if (!answer.ok || answer.redirected) throw new Error(`status ${answer.status}`);
    const found = parse(await answer.text()).querySelectorAll("[data-artifact]");
    show(details, [...found]);
    details.dataset.state = "loaded";
  }
}

function show(details: HTMLDetailsElement, content: Element[]): void {
  details.querySelector(":scope > .preview")?.remove();
  const preview = document.createElement("div");
  preview.className = "preview";
  preview.role = "status";
  preview.append(...content);
  details.append(preview);
}

function text(words: string): HTMLElement {
  const paragraph = document.createElement("p");
  paragraph.textContent = words;
  return paragraph;
}
