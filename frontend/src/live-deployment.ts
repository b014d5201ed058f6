import { showFavicon } from "./favicon";
import { morph, parse } from "./html";
import { OutputLog } from "./output-log";
import { RunMatrix } from "./run-matrix";
import { soon } from "./soon";
import { Connection } from "./toast";

/** Fragments that replace what is there, by the name of their event. */
const FRAGMENTS = ["status", "steps", "failures", "recap"] as const;
/** Milliseconds before a refused stream is asked for again; doubled up to the second. */
const RETRY = { first: 1000, last: 30_000 };

/**
 * Keeps a deployment's page up to date from its event stream.
 *
 *     <live-deployment src="/deployments/12/events?after=57">
 *       <div data-live="status">…</div>  <div data-live="steps">…</div>
 *       <p data-live="connection" role="status"></p>  <output-log>…</output-log>
 *     </live-deployment>
 *
 * The events `status`, `steps`, `failures` and `recap` replace the content of their
 * part, `results` and `output` are added, and `end` says that nothing more will come.
 */
export class LiveDeployment extends HTMLElement {
  #source: EventSource | null = null;
  #timer = 0;
  #delay = RETRY.first;
  #seen = "";
  #waiting = new Map<string, string>();
  #connection = new Connection();

  connectedCallback(): void {
    for (const element of this.querySelectorAll<HTMLElement>("[data-without-script]")) {
      element.hidden = true;
    }
    for (const element of document.querySelectorAll<HTMLElement>("[data-from-end]")) {
      element.hidden = false;
    }
    this.#open();
  }

  disconnectedCallback(): void {
    this.#close();
  }

  #open(): void {
    const url = new URL(this.getAttribute("src")!, location.href);
    // The browser resends the last id by itself, but not from a new EventSource.
    if (this.#seen) url.searchParams.set("after", this.#seen);
    const source = (this.#source = new EventSource(url));
    source.addEventListener("open", () => this.#found());
    source.addEventListener("error", () => this.#lost());
    source.addEventListener("end", () => this.#end());
    for (const name of FRAGMENTS) {
      source.addEventListener(name, (event) => this.#swap(name, event));
    }
    source.addEventListener("output", (event) => this.#add("output-log", event));
    source.addEventListener("results", (event) => this.#add("run-matrix", event));
  }

  #close(): void {
    window.clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  #found(): void {
    this.#delay = RETRY.first;
    this.#connection.found();
    this.#say("live", "Live");
  }

  #lost(): void {
    this.#connection.lost();
    this.#say("lost", "Connection lost, reconnecting");
    // A network failure is the browser's to retry; an answer that is no stream is ours.
    if (this.#source?.readyState !== EventSource.CLOSED) return;
    this.#close();
    this.#timer = window.setTimeout(() => this.#open(), this.#delay);
    this.#delay = Math.min(this.#delay * 2, RETRY.last);
  }

  #end(): void {
    this.#close();
    this.#say("ended", "Ended");
    for (const element of document.querySelectorAll<HTMLElement>("[data-until-end]")) {
      element.hidden = true;
    }
  }

  #say(state: string, words: string): void {
    const place = this.#part("connection");
    if (!place) return;
    place.dataset["state"] = state;
    place.textContent = words;
  }

  #add(place: string, event: MessageEvent<string>): void {
    this.#seen = event.lastEventId || this.#seen;
    const part = this.querySelector(place);
    if (part instanceof OutputLog || part instanceof RunMatrix) part.add(event.data);
  }

  /** Show a fragment with the next frame; of several until then, only the last. */
  #swap(name: string, event: MessageEvent<string>): void {
    this.#seen = event.lastEventId || this.#seen;
    if (!this.#waiting.size) soon(() => this.#flush());
    this.#waiting.set(name, event.data);
  }

  #flush(): void {
    for (const [name, html] of this.#waiting) {
      const part = this.#part(name);
      if (part) morph(part, parse(html));
    }
    this.#waiting.clear();
    const { title, icon } =
      this.querySelector<HTMLElement>("[data-title]")?.dataset ?? {};
    if (title) document.title = title;
    if (icon) showFavicon(icon);
  }

  #part(name: string): HTMLElement | null {
    return this.querySelector(`[data-live="${name}"]`);
  }
}
