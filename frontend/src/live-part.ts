import { morph, parse } from "./morph";
import { Connection } from "./toast";

/** Milliseconds between two requests; doubled after each failure up to `last`. */
const PAUSE = { first: 3000, last: 60_000 };

/**
 * Keeps its content up to date by polling `src` while the page is visible.
 *
 *     <live-part src="/overview"> the response of /overview </live-part>
 *
 * The server answers 304 if the content still matches the ETag.
 */
export class LivePart extends HTMLElement {
  #timer = 0;
  #pause = PAUSE.first;
  #etag = "";
  #connection = new Connection();
  #abort = new AbortController();
  /** Aborts the request that is in progress. */
  #request = new AbortController();

  connectedCallback(): void {
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    document.addEventListener("visibilitychange", () => this.#schedule(0), { signal });
    this.#schedule(this.#pause);
  }

  disconnectedCallback(): void {
    this.#abort.abort();
    this.#request.abort();
    window.clearTimeout(this.#timer);
  }

  /** Update at once, from another URL if one is given. */
  show(src?: string): void {
    if (src !== undefined && src !== this.getAttribute("src")) {
      this.setAttribute("src", src);
      this.#etag = "";
    }
    this.#request.abort();
    this.#schedule(0);
  }

  /** Poll after some milliseconds; a hidden page waits until it is visible. */
  #schedule(wait: number): void {
    window.clearTimeout(this.#timer);
    if (document.hidden || this.#abort.signal.aborted) return;
    this.#timer = window.setTimeout(() => void this.#poll(), wait);
  }

  async #poll(): Promise<void> {
    const request = new AbortController();
    this.#request = request;
    try {
      await this.#fetch(request.signal);
      this.#pause = PAUSE.first;
      this.#connection.found();
    } catch {
      if (request.signal.aborted) return;
      this.#connection.lost();
      this.#pause = Math.min(this.#pause * 2, PAUSE.last);
    }
    this.#schedule(this.#pause);
  }

  async #fetch(signal: AbortSignal): Promise<void> {
    const answer = await fetch(this.getAttribute("src")!, {
      cache: "no-store",
      headers: this.#etag ? { "If-None-Match": this.#etag } : {},
      signal,
    });
    // The session has expired: the page redirects to the login and back.
    if (answer.status === 401) location.reload();
    if (answer.status === 304) return;
    if (!answer.ok || answer.redirected) throw new Error(`status ${answer.status}`);
    const text = await answer.text();
    signal.throwIfAborted();
    morph(this, parse(text));
    this.#etag = answer.headers.get("ETag") ?? "";
  }
}
