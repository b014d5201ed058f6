import { toast } from "./toast";

/** Milliseconds for which a button shows that it has copied. */
const RESET_AFTER = 2000;

/**
 * Adds a button that copies a text.
 *
 *     <copy-text><code>fastdeploy db migrate</code></copy-text>
 *
 * `value` is the text to copy if it differs from the visible text. `label` names the text
 * in the accessible name of the button.
 */
export class CopyText extends HTMLElement {
  connectedCallback(): void {
    if (this.querySelector(":scope > .copy")) return;
    const words = this.textContent?.trim() ?? "";
    const label = this.getAttribute("label") ?? words;
    this.append(copyButton(`Copy ${label}`, () => this.getAttribute("value") ?? words));
  }
}

/**
 * Add one copy button that moves to the line of output that is hovered or focused. A
 * button for each line would be too many elements.
 */
export function offerToCopyLines(): void {
  const button = copyButton("Copy this line", () => {
    return button.closest(".line")?.querySelector("code")?.textContent ?? "";
  });
  button.classList.add("copy-line");
  const offer = (event: Event): void => {
    const line = event.target instanceof Element && event.target.closest(".line");
    if (line && button.parentElement !== line) line.append(button);
  };
  document.addEventListener("pointerover", offer, { passive: true });
  document.addEventListener("focusin", offer);
}

function copyButton(label: string, text: () => string): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.ariaLabel = label;
  button.title = "Copy";
  button.addEventListener("click", () => {
    void copy(text()).then((done) => {
      if (!done)
        return toast("copy", "problem", "Copying isn’t supported in this browser.");
      button.dataset.done = "";
      toast("copy", "success", "Copied.");
      window.setTimeout(() => delete button.dataset.done, RESET_AFTER);
    });
  });
  return button;
}

/** Copy a text. The Clipboard API needs HTTPS; without it, fall back to execCommand. */
async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyByCommand(text);
  }
}

function copyByCommand(text: string): boolean {
  const focused = document.activeElement;
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  return done;
}
