import { parse } from "./morph";
import { scheduleUpdate } from "./schedule-update";
import { grow, height, spacerBefore } from "./spacer";

/** Maximum tasks in the page, and how many to remove at once when there are more. */
const MAX_TASKS = 80;
const DROPPED = 40;
/** Distance from the end, in pixels, that counts as scrolled to the end. */
const NEAR = 4;

/**
 * The result matrix of a deployment. Started tasks become rows, results fill their cells.
 *
 *     <run-matrix live data-max-hosts="24" data-max-wide-hosts="4">
 *       <div class="matrix" data-live="matrix"> <table> … </run-matrix>
 *
 * A host beyond `data-max-hosts` gets no column; the results page shows all hosts. With at
 * most `data-max-wide-hosts`, cells show the result as text.
 *
 * Updates are a list: `<li data-task>` is the header of a row, and
 * `<li data-result-of data-host>` a cell. A result belongs to the latest task of its name,
 * as on the server.
 */
export class RunMatrix extends HTMLElement {
  #pending: DocumentFragment[] = [];
  #rows = new Map<string, HTMLTableRowElement>();
  #columns = new Map<string, number>();
  /** Takes the place of removed steps. */
  #spacer: HTMLTableSectionElement | undefined;

  connectedCallback(): void {
    for (const row of this.#table.querySelectorAll<HTMLTableRowElement>(
      "[data-task]",
    )) {
      this.#rows.set(row.dataset.task!, row);
    }
    for (const head of this.#table.querySelectorAll(".matrix-host")) {
      this.#columns.set(head.textContent!.trim(), this.#columns.size);
    }
    if (this.hasAttribute("live"))
      this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  /** Apply updates given as HTML with the next update of the page. */
  add(html: string): void {
    if (!this.#pending.length) scheduleUpdate(() => this.#flush());
    this.#pending.push(parse(html));
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
    for (const news of this.#pending) {
      for (const item of news.querySelectorAll("li")) {
        if (item.dataset.task === undefined) this.#fill(item);
        else this.#begin(item);
      }
    }
    this.#pending = [];
    this.#drop();
    if (following) this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  #begin(item: HTMLElement): void {
    const { task, number, step, stepName } = item.dataset;
    // A resumed stream may repeat a task.
    const known = this.#rows.get(task!);
    if (Number(known?.dataset.number ?? 0) >= Number(number)) return;
    const row = document.createElement("tr");
    row.dataset.task = task;
    row.dataset.number = number;
    const head = document.createElement("th");
    head.scope = "row";
    head.append(...item.childNodes);
    row.append(head);
    for (let column = 0; column < this.#columns.size; column++) row.insertCell();
    this.#group(step!, stepName ?? "").append(row);
    this.#rows.set(task!, row);
  }

  /** Return the row group of the current step; create it if needed. */
  #group(step: string, name: string): HTMLTableSectionElement {
    const last = this.#table.tBodies[this.#table.tBodies.length - 1];
    if (last?.dataset.step === step) return last;
    const group = this.#table.createTBody();
    group.dataset.step = step;
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
    const { resultOf, host, status } = item.dataset;
    const row = this.#rows.get(resultOf!);
    const column = this.#column(host!);
    const cell = column === undefined ? undefined : row?.cells[column + 1];
    if (!cell) return;
    cell.dataset.status = status;
    cell.replaceChildren(...item.childNodes);
  }

  /** Return the column of a host; a new host gets the next one up to the maximum. */
  #column(host: string): number | undefined {
    const known = this.#columns.get(host);
    if (known !== undefined || this.#columns.size >= Number(this.dataset.maxHosts))
      return known;
    const head = document.createElement("th");
    head.scope = "col";
    head.className = "matrix-host";
    const name = document.createElement("span");
    name.title = name.textContent = host;
    head.append(name);
    this.#table.tHead!.rows[0]!.append(head);
    for (const row of this.#table.querySelectorAll<HTMLTableRowElement>(
      "[data-task]",
    )) {
      row.insertCell();
    }
    this.#columns.set(host, this.#columns.size);
    this.#table.toggleAttribute(
      "data-wide-cells",
      this.#columns.size <= Number(this.dataset.maxWideHosts),
    );
    return this.#columns.size - 1;
  }

  /**
   * Remove the earliest tasks. A spacer takes their place, within their step while it has
   * other tasks, so that nothing that remains moves.
   */
  #drop(): void {
    const rows = [...this.#table.querySelectorAll<HTMLTableRowElement>("[data-task]")];
    if (rows.length <= MAX_TASKS) return;
    const dropped = rows.slice(0, rows.length - MAX_TASKS + DROPPED);
    // Measure before the first change: measuring after each one would force a layout.
    const heights = dropped.map(height);
    for (const [place, row] of dropped.entries()) {
      const task = row.dataset.task!;
      if (this.#rows.get(task) === row) this.#rows.delete(task);
      grow(spacerBefore(row), heights[place]!);
      row.remove();
    }
    for (const group of [...this.#table.tBodies]) {
      if (group === this.#spacer || group.querySelector("[data-task]")) continue;
      if (!this.#spacer) {
        this.#spacer = document.createElement("tbody");
        this.#spacer.insertRow();
        this.#table.tHead!.after(this.#spacer);
      }
      const was = height(group);
      group.remove();
      grow(this.#spacer.rows[0]!, was);
    }
  }
}
