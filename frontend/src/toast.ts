/** Milliseconds for which a success message is shown. */
const RESET_AFTER = 5000;

/**
 * Show a message at the edge of the window.
 *
 *     <div class="toasts" role="status"></div>
 *
 * There is one message for each subject; a new one replaces it.
 */
export function toast(
  subject: string,
  kind: "success" | "problem",
  text: string,
): void {
  const place = document.querySelector(".toasts");
  if (!place) return;
  const message = document.createElement("p");
  message.className = "toast";
  message.dataset.kind = kind;
  message.dataset.subject = subject;
  message.textContent = text;
  const before = place.querySelector(`[data-subject="${CSS.escape(subject)}"]`);
  if (before) before.replaceWith(message);
  else place.append(message);
  if (kind === "success") window.setTimeout(() => message.remove(), RESET_AFTER);
}

/** The state of the connection to the server. Shows one message for each change. */
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
    toast("connection", "success", "Reconnected. This page is up to date.");
  }
}
