import type { LivePart } from "./live-part";
import { toast } from "./toast";

/** Milliseconds without a key press after which a search starts. */
const PAUSE = 120;

/**
 * Filters the services of the overview while its form is being filled in.
 *
 *     <service-filter><form method="get" action="/">…</form></service-filter>
 *     <live-part src="/overview">…<form id="favourites" method="post">…
 *
 * The URL of the page follows, so that it can be sent. A favourite is stored without
 * loading the page again.
 */
export class ServiceFilter extends HTMLElement {
  #timer = 0;
  #abort = new AbortController();

  connectedCallback(): void {
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    this.addEventListener(
      "input",
      (event) => this.#later(isText(event.target) ? PAUSE : 0),
      { signal },
    );
    this.addEventListener(
      "submit",
      (event) => {
        event.preventDefault();
        this.#apply();
      },
      { signal },
    );
    document.addEventListener("submit", (event) => void choose(event), { signal });
  }

  disconnectedCallback(): void {
    this.#abort.abort();
    window.clearTimeout(this.#timer);
  }

  #later(wait: number): void {
    window.clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#apply(), wait);
  }

  #apply(): void {
    window.clearTimeout(this.#timer);
    const form = this.querySelector("form");
    if (!form) return;
    const query = new URLSearchParams();
    for (const [name, value] of new FormData(form))
      if (typeof value === "string" && value !== "") query.set(name, value);
    const end = query.size ? `?${query}` : "";
    window.history.replaceState(null, "", `/${end}`);
    services()?.show(`/overview${end}`);
  }
}

function isText(target: EventTarget | null): boolean {
  return target instanceof HTMLInputElement && target.type === "search";
}

function services(): LivePart | null {
  return document.querySelector<LivePart>("live-part");
}

/** Store a favourite, then update the rows. */
async function choose(event: SubmitEvent): Promise<void> {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || form.id !== "favourites") return;
  event.preventDefault();
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(form, event.submitter))
    fields.set(name, String(value));
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      body: fields,
      redirect: "manual",
    });
    if (answer.type !== "opaqueredirect") throw new Error(`status ${answer.status}`);
    services()?.show();
  } catch {
    toast("favourites", "problem", "The favourite was not stored. Reload the page.");
  }
}
