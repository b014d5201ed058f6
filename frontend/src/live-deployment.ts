import { showFavicon } from "./favicon";
import { morph, parse } from "./morph";
import { OutputLog } from "./output-log";
import { RunMatrix } from "./run-matrix";
import { scheduleUpdate } from "./schedule-update";
import { Connection } from "./toast";

/** Events whose HTML replaces the content of a part of the page. */
const FRAGMENTS = ["status", "steps", "failures", "recap", "timing"] as const;
/** Milliseconds before reconnecting after an HTTP error; doubled each time up to `last`. */
const RETRY = { first: 1000, last: 30_000 };

/**
 * Keeps a deployment's page up to date from its event stream.
 *
 *     <live-deployment src="/deployments/12/events?after=57">
 *       <div data-live="status">…</div>  <div data-live="steps">…</div>
 *       <p data-live="connection" role="status"></p>  <output-log>…</output-log>
 *     </live-deployment>
 *
 * The events `status`, `steps`, `failures`, `recap` and `timing` replace the content of
 * their part, `results` and `output` are appended, and `end` closes the stream. A part
 * that a page doesn't have is skipped. The status has the phase of the deployment, to
 * which the actions with `data-when` and `data-primary-when` belong.
 */
export class LiveDeployment extends HTMLElement {
  #source: EventSource | null = null;
  #timer = 0;
  #delay = RETRY.first;
  #lastEventId = "";
  #pending = new Map<string, string>();
  #connection = new Connection();
  #phase = "";

  connectedCallback(): void {
    for (const element of this.querySelectorAll<HTMLElement>("[data-no-script-only]")) {
      element.hidden = true;
    }
    this.#open();
  }

  disconnectedCallback(): void {
    this.#close();
  }

  #open(): void {
    const url = new URL(this.getAttribute("src")!, location.href);
    // The browser sends the last event ID only when the same EventSource reconnects.
    if (this.#lastEventId) url.searchParams.set("after", this.#lastEventId);
    const source = new EventSource(url);
    this.#source = source;
    source.addEventListener("open", () => this.#connected());
    source.addEventListener("error", () => this.#disconnected());
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

  #connected(): void {
    this.#delay = RETRY.first;
    this.#connection.found();
    this.#showConnection("live", "Live");
  }

  #disconnected(): void {
    this.#connection.lost();
    this.#showConnection("lost", "Connection lost, reconnecting");
    // The browser retries after a network error, but not after an HTTP error.
    if (this.#source?.readyState !== EventSource.CLOSED) return;
    this.#close();
    this.#timer = window.setTimeout(() => this.#open(), this.#delay);
    this.#delay = Math.min(this.#delay * 2, RETRY.last);
  }

  #end(): void {
    this.#close();
    this.#showConnection("ended", "Ended");
  }

  #showConnection(state: string, text: string): void {
    const place = this.#part("connection");
    if (!place) return;
    place.dataset.state = state;
    place.textContent = text;
  }

  #add(selector: string, event: MessageEvent<string>): void {
    this.#lastEventId = event.lastEventId || this.#lastEventId;
    const part = this.querySelector(selector);
    if (part instanceof OutputLog || part instanceof RunMatrix) part.add(event.data);
  }

  /** Show a fragment with the next update; a later fragment of the same name replaces it. */
  #swap(name: string, event: MessageEvent<string>): void {
    this.#lastEventId = event.lastEventId || this.#lastEventId;
    if (!this.#pending.size) scheduleUpdate(() => this.#flush());
    this.#pending.set(name, event.data);
  }

  #flush(): void {
    for (const [name, html] of this.#pending) {
      const part = this.#part(name);
      if (part) morph(part, parse(html));
    }
    this.#pending.clear();
    const { phase, title, icon } =
      this.querySelector<HTMLElement>("[data-title]")?.dataset ?? {};
    if (title) document.title = title;
    if (icon) showFavicon(icon);
    if (phase && phase !== this.#phase) this.#showPhase(phase);
  }

  /** Show the actions of a phase, as the server does when it renders the page. */
  #showPhase(phase: string): void {
    this.#phase = phase;
    const within = (phases: string): boolean => phases.split(" ").includes(phase);
    for (const element of document.querySelectorAll<HTMLElement>("[data-when]"))
      element.hidden = !within(element.dataset.when!);
    for (const element of document.querySelectorAll<HTMLElement>("[data-primary-when]"))
      element.classList.toggle("button-primary", within(element.dataset.primaryWhen!));
  }

  #part(name: string): HTMLElement | null {
    return this.querySelector(`[data-live="${name}"]`);
  }
}
