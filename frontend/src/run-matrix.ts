import { gapBefore, height, widen } from "./gap";
import { parse } from "./html";
import { soon } from "./soon";

/** Tasks that a page holds, and how many are dropped at once when there would be more. */
const MAX_TASKS = 80;
const DROPPED = 40;
/** Hosts that get a column; the page of all results has every one. */
const MAX_HOSTS = 24;
/** Up to so many hosts, a cell has room for its word. */
const FEW = 4;
/** How near the end, in pixels, is at the end. */
const NEAR = 4;

/**
 * The matrix of a run: it takes tasks that begin as rows, and results into their cells.
 *
 *     <run-matrix live> <div class="matrix" data-live="matrix"> <table> … </run-matrix>
 *
 * News are a list: `<li data-task>` holds the head of a row, `<li data-of data-host>` a
 * cell. A result belongs to the latest task of its name, as on the server.
 */
export class RunMatrix extends HTMLElement {
  #waiting: DocumentFragment[] = [];
  #rows = new Map<string, HTMLTableRowElement>();
  #columns = new Map<string, number>();
  /** What stands where whole steps were dropped. */
  #gap: HTMLTableSectionElement | undefined;

  connectedCallback(): void {
    for (const row of this.#table.querySelectorAll<HTMLTableRowElement>("[data-task]")) {
      this.#rows.set(row.dataset["task"]!, row);
    }
    for (const head of this.#table.querySelectorAll(".matrix-host")) {
      this.#columns.set(head.textContent!.trim(), this.#columns.size);
    }
    if (this.hasAttribute("live")) this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  /** Take the HTML of news; they are shown with the next frame. */
  add(html: string): void {
    if (!this.#waiting.length) soon(() => this.#flush());
    this.#waiting.push(parse(html));
  }

  get #scroller(): HTMLElement {
    return this.querySelector<HTMLElement>(".matrix")!;
  }

  get #table(): HTMLTableElement {
    return this.querySelector("table")!;
  }

  #flush(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    const following = scrollHeight - scrollTop - clientHeight < NEAR;
    for (const news of this.#waiting) {
      for (const item of news.querySelectorAll("li")) {
        if (item.dataset["task"] === undefined) this.#fill(item);
        else this.#begin(item);
      }
    }
    this.#waiting = [];
    this.#drop();
    if (following) this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  #begin(item: HTMLElement): void {
    const { task, number, step, stepName } = item.dataset;
    // A stream that was resumed may tell it again.
    const known = this.#rows.get(task!);
    if (Number(known?.dataset["number"] ?? 0) >= Number(number)) return;
    const row = document.createElement("tr");
    row.dataset["task"] = task;
    row.dataset["number"] = number;
    const head = document.createElement("th");
    head.scope = "row";
    head.append(...item.childNodes);
    row.append(head);
    for (let column = 0; column < this.#columns.size; column++) row.insertCell();
    this.#group(step!, stepName ?? "").append(row);
    this.#rows.set(task!, row);
  }

  /** The rows of the step that the run is in. */
  #group(step: string, name: string): HTMLTableSectionElement {
    const last = this.#table.tBodies[this.#table.tBodies.length - 1];
    if (last?.dataset["step"] === step) return last;
    const group = this.#table.createTBody();
    group.dataset["step"] = step;
    if (name) {
      const head = document.createElement("th");
      head.scope = "rowgroup";
      head.className = "matrix-step";
      head.textContent = name;
      group.insertRow().append(head);
    }
    return group;
  }

  #fill(item: HTMLElement): void {
    const { of, host, status } = item.dataset;
    const row = this.#rows.get(of!);
    const column = this.#column(host!);
    const cell = column === undefined ? undefined : row?.cells[column + 1];
    if (!cell) return;
    cell.dataset["status"] = status;
    cell.replaceChildren(...item.childNodes);
  }

  /** The column of a host; one that is new gets the next, as long as there is room. */
  #column(host: string): number | undefined {
    const known = this.#columns.get(host);
    if (known !== undefined || this.#columns.size >= MAX_HOSTS) return known;
    const head = document.createElement("th");
    head.scope = "col";
    head.className = "matrix-host";
    const name = document.createElement("span");
    name.title = name.textContent = host;
    head.append(name);
    this.#table.tHead!.rows[0]!.append(head);
    for (const row of this.#table.querySelectorAll<HTMLTableRowElement>("[data-task]")) {
      row.insertCell();
    }
    this.#columns.set(host, this.#columns.size);
    this.#table.toggleAttribute("data-few", this.#columns.size <= FEW);
    return this.#columns.size - 1;
  }

  /**
   * Drop the earliest tasks. A gap stands where they were, within their step as long as
   * this has others, so that nothing that stays moves: neither a row nor a step.
   */
  #drop(): void {
    const rows = [...this.#table.querySelectorAll<HTMLTableRowElement>("[data-task]")];
    if (rows.length <= MAX_TASKS) return;
    const dropped = rows.slice(0, rows.length - MAX_TASKS + DROPPED);
    // All before the first change: to measure after each would lay out each time.
    const heights = dropped.map(height);
    for (const [place, row] of dropped.entries()) {
      const task = row.dataset["task"]!;
      if (this.#rows.get(task) === row) this.#rows.delete(task);
      widen(gapBefore(row), heights[place]!);
      row.remove();
    }
    for (const group of [...this.#table.tBodies]) {
      if (group === this.#gap || group.querySelector("[data-task]")) continue;
      if (!this.#gap) {
        this.#gap = document.createElement("tbody");
        this.#gap.insertRow();
        this.#table.tHead!.after(this.#gap);
      }
      const was = height(group);
      group.remove();
      widen(this.#gap.rows[0]!, was);
    }
  }
}
