/** Milliseconds that good news stays. */
const SHORTLY = 5000;

/**
 * Says something at the edge of the window, wherever the reader is on the page.
 *
 *     <div class="toasts" role="status"></div>
 *
 * There is one for each subject: the next one about it takes its place.
 */
export function toast(subject: string, kind: "good" | "problem", words: string): void {
  const place = document.querySelector(".toasts");
  if (!place) return;
  const said = document.createElement("p");
  said.className = "toast";
  said.dataset["kind"] = kind;
  said.dataset["subject"] = subject;
  said.textContent = words;
  const before = place.querySelector(`[data-subject="${CSS.escape(subject)}"]`);
  if (before) before.replaceWith(said);
  else place.append(said);
  if (kind === "good") window.setTimeout(() => said.remove(), SHORTLY);
}

/** The connection to the server: tells once that it is lost, and once that it is back. */
export class Connection {
  #lost = false;

  lost(): void {
    if (this.#lost) return;
    this.#lost = true;
    toast("connection", "problem", "Connection to FastDeploy lost. Reconnecting …");
  }

  found(): void {
    if (!this.#lost) return;
    this.#lost = false;
    toast("connection", "good", "Reconnected. This page is up to date.");
  }
}
