import { morph, parse } from "./html";
import { Connection } from "./toast";

/** Milliseconds from one look to the next; doubled after each failure, up to the last. */
const PAUSE = { first: 3000, last: 60_000 };

/**
 * Keeps its content as the server renders it at `src`, while the page is looked at.
 *
 *     <live-part src="/overview"> what /overview answers </live-part>
 *
 * What has not changed is not sent again: the server answers 304 to its own ETag.
 */
export class LivePart extends HTMLElement {
  #timer = 0;
  #pause = PAUSE.first;
  #etag = "";
  #connection = new Connection();
  #abort = new AbortController();

  connectedCallback(): void {
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    document.addEventListener("visibilitychange", () => this.#plan(0), { signal });
    this.#plan(this.#pause);
  }

  disconnectedCallback(): void {
    this.#abort.abort();
    window.clearTimeout(this.#timer);
  }

  /** Look after some milliseconds; a hidden page waits until it is shown again. */
  #plan(wait: number): void {
    window.clearTimeout(this.#timer);
    if (document.hidden || this.#abort.signal.aborted) return;
    this.#timer = window.setTimeout(() => void this.#look(), wait);
  }

  async #look(): Promise<void> {
    try {
      await this.#fetch();
      this.#pause = PAUSE.first;
      this.#connection.found();
    } catch {
      if (this.#abort.signal.aborted) return;
      this.#connection.lost();
      this.#pause = Math.min(this.#pause * 2, PAUSE.last);
    }
    this.#plan(this.#pause);
  }

  async #fetch(): Promise<void> {
    const answer = await fetch(this.getAttribute("src")!, {
      cache: "no-store",
      headers: this.#etag ? { "If-None-Match": this.#etag } : {},
      signal: this.#abort.signal,
    });
    // The session has ended: the page itself leads to the login, and back.
    if (answer.status === 401) location.reload();
    if (answer.status === 304) return;
    if (!answer.ok || answer.redirected) throw new Error(`status ${answer.status}`);
    morph(this, parse(await answer.text()));
    this.#etag = answer.headers.get("ETag") ?? "";
  }
}
