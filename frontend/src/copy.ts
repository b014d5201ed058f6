import { toast } from "./toast";

/** Milliseconds until a button offers to copy again. */
const SHORTLY = 2000;

/**
 * Lets a text be copied by a button behind it.
 *
 *     <copy-text><code>fastdeploy db migrate</code></copy-text>
 *
 * `value` is what is copied where that is more than what is shown, and `label` what the
 * button copies, for those who don't see where it stands.
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
 * One button that moves to whichever line of output is pointed at or has focus: there
 * are too many lines for a button on each.
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
      if (!done) return toast("copy", "problem", "This browser lets nothing be copied.");
      button.dataset["done"] = "";
      toast("copy", "good", "Copied.");
      window.setTimeout(() => delete button.dataset["done"], SHORTLY);
    });
  });
  return button;
}

/** Copy a text; without HTTPS there is no clipboard, but the old way still works. */
async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyOldWay(text);
  }
}

function copyOldWay(text: string): boolean {
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
