import { parse } from "./morph";
import { scheduleUpdate } from "./schedule-update";
import { grow, height, spacerBefore, span } from "./spacer";

/** Maximum lines of output in the page; a link leads to earlier ones. */
const MAX_LINES = 2000;
/** Lines to remove at once when there are more. */
const DROPPED = 500;
/** Distance from the end, in pixels, that counts as scrolled to the end. */
const NEAR = 4;

/**
 * The output of a deployment. It appends lines and scrolls to them until the user scrolls up.
 *
 *     <output-log newest data-lines-after="100">
 *       <a data-earlier href="?before=12">  <button data-follow hidden>
 *       <button data-fold hidden>
 *       <div data-live="output">
 *         <details class="output-step" data-step="2" open> <summary>
 *           <div class="line" id="e12">…</div> … </details> … </div>
 *     </output-log>
 *
 * `data-lines-after` is the number of lines to load after a linked line.
 * Without `newest` it shows earlier output and doesn't follow.
 */
export class OutputLog extends HTMLElement {
  #scroller!: HTMLElement;
  #button: HTMLButtonElement | null = null;
  /** Takes the place of removed steps. */
  #spacer = document.createElement("div");
  #lines!: HTMLCollectionOf<Element>;
  #pending: DocumentFragment[] = [];
  #following = false;
  #top = 0;
  #abort = new AbortController();

  connectedCallback(): void {
    this.#scroller = this.querySelector<HTMLElement>("[data-live=output]")!;
    this.#lines = this.#scroller.getElementsByClassName("line");
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    this.#openLinkedLine();
    this.#offerFolding(signal);
    document.addEventListener("click", (event) => this.#unfold(event), { signal });
    if (!this.hasAttribute("newest")) return;
    this.#button = this.querySelector("[data-follow]");
    this.#button?.addEventListener("click", () => this.#follow(!this.#following), {
      signal,
    });
    if (this.#button) this.#button.hidden = false;
    this.#scroller.addEventListener("scroll", () => this.#scrolled(), {
      passive: true,
      signal,
    });
    document.addEventListener("selectionchange", () => this.#selected(), { signal });
    window.addEventListener("hashchange", () => this.#openLinkedLine(), { signal });
    const resized = new ResizeObserver(() => this.#stick());
    resized.observe(this.#scroller);
    signal.addEventListener("abort", () => resized.disconnect());
    this.#follow(!linkedLine());
  }

  disconnectedCallback(): void {
    this.#abort.abort();
  }

  /** Append lines given as HTML with the next update; none to earlier output. */
  add(html: string): void {
    if (!this.hasAttribute("newest")) return;
    if (!this.#pending.length) scheduleUpdate(() => this.#flush());
    this.#pending.push(parse(html));
    // Updates are rare in a hidden tab. Discard what the next update would remove anyway.
    let waiting = sum(this.#pending.map(count));
    while (waiting - count(this.#pending[0]!) >= MAX_LINES) {
      waiting -= count(this.#pending.shift()!);
    }
  }

  #flush(): void {
    for (const news of this.#pending) {
      for (const part of [...news.children]) this.#join(part as HTMLElement);
    }
    this.#pending = [];
    // A live collection: its length is known without a search of the whole output.
    const over = this.#lines.length - MAX_LINES;
    if (over > 0) {
      const lines = this.#scroller.querySelectorAll<HTMLElement>(".line");
      this.#drop([...lines].slice(0, over + DROPPED));
    }
    this.#stick();
  }

  /** Append a part; lines of the last step are added to it. */
  #join(part: HTMLElement): void {
    const last = this.#scroller.lastElementChild;
    if (last instanceof HTMLElement && last.dataset.step === part.dataset.step) {
      last.append(...part.querySelectorAll(".line"));
    } else {
      this.#scroller.append(part);
    }
  }

  #offerFolding(signal: AbortSignal): void {
    const button = this.querySelector<HTMLButtonElement>("[data-fold]");
    if (!button) return;
    button.hidden = false;
    let folded = false;
    const fold = (): void => {
      folded = !folded;
      for (const step of this.querySelectorAll("details")) step.open = !folded;
      button.textContent = folded ? "Expand steps" : "Collapse steps";
    };
    button.addEventListener("click", fold, { signal });
  }

  /**
   * Show the output of the step whose name was clicked, `<a data-unfold="2">`. The link
   * itself leads to the lines of a step that aren't on this page.
   */
  #unfold(event: MouseEvent): void {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const target = event.target instanceof Element ? event.target : null;
    const position = target?.closest("[data-unfold]")?.getAttribute("data-unfold");
    const step = this.#scroller.querySelector<HTMLDetailsElement>(
      `details[data-step="${Number(position)}"]`,
    );
    if (!position || !step) return;
    event.preventDefault();
    step.open = true;
    this.#follow(false);
    const place = step.getBoundingClientRect().top;
    this.#scroller.scrollTop += place - this.#scroller.getBoundingClientRect().top;
    this.#scroller.scrollIntoView({ block: "nearest" });
    step.querySelector("summary")?.focus({ preventScroll: true });
  }

  /**
   * Remove the earliest lines. A spacer takes their place, within their step while it has
   * other lines, so that nothing that remains moves.
   */
  #drop(lines: HTMLElement[]): void {
    // Measure before the first change: measuring after each one would force a layout.
    const rows = endsByStep(lines).map(([first, last]) => ({
      first,
      last,
      high: span(first, last),
    }));
    if (lines.some((line) => line.contains(document.activeElement))) {
      this.#scroller.focus({ preventScroll: true });
    }
    for (const { first, last, high } of rows) {
      grow(spacerBefore(first), high);
      const range = document.createRange();
      range.setStartBefore(first);
      range.setEndAfter(last);
      range.deleteContents();
    }
    for (const part of this.#scroller.querySelectorAll(".output-step")) {
      if (part.querySelector(".line")) break;
      const was = height(part);
      part.remove();
      if (!this.#spacer.isConnected) this.#scroller.prepend(this.#spacer);
      grow(this.#spacer, was);
    }
    const earlier = this.querySelector<HTMLAnchorElement>("[data-earlier]");
    const first = this.querySelector(".line");
    if (!earlier || !first) return;
    earlier.href = `?before=${first.id.slice(1)}`;
    earlier.hidden = false;
  }

  /** Show the linked line; if this page doesn't contain it, load the page that does. */
  #openLinkedLine(): void {
    const number = linkedLine();
    if (!number) return;
    const line = document.getElementById(`e${number}`);
    if (line) {
      const step = line.closest("details");
      if (step) step.open = true;
      this.#follow(false);
    } else if (!new URLSearchParams(location.search).has("before")) {
      location.replace(
        `?before=${Number(number) + Number(this.dataset.linesAfter)}${location.hash}`,
      );
    }
  }

  #follow(on: boolean): void {
    this.#following = on;
    this.#button?.setAttribute("aria-pressed", String(on));
    this.#stick();
  }

  #stick(): void {
    if (!this.#following) return;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#top = this.#scroller.scrollTop;
  }

  /** Scrolling up stops following; scrolling to the end resumes it. */
  #scrolled(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    const up = scrollTop < this.#top;
    const down = scrollTop > this.#top;
    this.#top = scrollTop;
    if (up && this.#following) this.#follow(false);
    else if (down && !this.#following && scrollHeight - scrollTop - clientHeight < NEAR)
      this.#follow(true);
  }

  /** Stop following while text is selected. */
  #selected(): void {
    const selection = document.getSelection();
    if (!this.#following || !selection || selection.isCollapsed) return;
    if (this.#scroller.contains(selection.anchorNode)) this.#follow(false);
  }
}

/** Return the line number in the URL's fragment. */
function linkedLine(): string | undefined {
  return /^#e(\d{1,9})$/.exec(location.hash)?.[1];
}

/** Return the first and last of these lines in each step. */
function endsByStep(lines: HTMLElement[]): [HTMLElement, HTMLElement][] {
  const ends = new Map<Element | null, [HTMLElement, HTMLElement]>();
  for (const line of lines) {
    const first = ends.get(line.parentElement)?.[0] ?? line;
    ends.set(line.parentElement, [first, line]);
  }
  return [...ends.values()];
}

function count(lines: DocumentFragment): number {
  return lines.querySelectorAll(".line").length;
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
