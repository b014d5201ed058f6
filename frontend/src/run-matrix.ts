import { parse } from "./morph";
import { scheduleUpdate } from "./schedule-update";
import { grow, height, spacerBefore } from "./spacer";

/** Maximum tasks in the page, and how many to remove at once when there are more. */
const MAX_TASKS = 80;
const DROPPED = 40;
/** Distance from the end, in pixels, that counts as scrolled to the end. */
const NEAR = 4;
/** The results for which a host always has a column. */
const FAILED = new Set(["failed", "unreachable"]);

/**
 * The result matrix of a deployment. Started tasks become rows, results fill their cells.
 *
 *     <run-matrix live data-max-hosts="24" data-max-wide-hosts="8"
 *                 data-max-upright-hosts="12" data-max-upright-name="9">
 *       <div class="matrix" data-live="matrix"> <table data-heads="wide"> … </run-matrix>
 *
 * The columns are hosts by name, at most `data-max-hosts`, as on the server; a host that
 * failed always has one. With at most `data-max-wide-hosts`, cells show the result as text;
 * with at most `data-max-upright-hosts` of short names, the names are horizontal.
 *
 * Updates are a list: `<li data-task>` is the header of a row, and
 * `<li data-result-of data-host>` a cell. A result belongs to the latest task of its name,
 * as on the server.
 */
export class RunMatrix extends HTMLElement {
  #pending: DocumentFragment[] = [];
  #rows = new Map<string, HTMLTableRowElement>();
  /** The hosts, in the order of their columns. */
  #hosts: string[] = [];
  /** Takes the place of removed steps. */
  #spacer: HTMLTableSectionElement | undefined;

  connectedCallback(): void {
    for (const row of this.#table.querySelectorAll<HTMLTableRowElement>(
      "[data-task]",
    )) {
      this.#rows.set(row.dataset.task!, row);
    }
    for (const head of this.#table.querySelectorAll(".matrix-host")) {
      this.#hosts.push(head.textContent!.trim());
    }
    if (this.hasAttribute("live"))
      this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  /** Apply updates given as HTML with the next update of the page. */
  add(html: string): void {
    if (!this.hasAttribute("live")) return;
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
    for (const _ of this.#hosts) row.insertCell();
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
    if (!row) return;
    const column = this.#column(host!, FAILED.has(status!));
    const cell = column < 0 ? undefined : row.cells[column + 1];
    if (!cell) return;
    cell.dataset.status = status;
    cell.replaceChildren(...item.childNodes);
  }

  /** Return the column of a host, or -1 if it has none. A new host may replace another. */
  #column(host: string, failed: boolean): number {
    const known = this.#hosts.indexOf(host);
    if (known >= 0) return known;
    const full = this.#hosts.length >= Number(this.dataset.maxHosts);
    const last = full ? this.#lastWithoutFailure() : -1;
    if (full && (last < 0 || (!failed && host > this.#hosts[last]!))) return -1;
    if (full) this.#removeColumn(last);
    const before = this.#hosts.findIndex((other) => host < other);
    const column = before < 0 ? this.#hosts.length : before;
    this.#insertColumn(host, column);
    return column;
  }

  #lastWithoutFailure(): number {
    const rows = this.#taskRows();
    let last = this.#hosts.length - 1;
    while (last >= 0 && rows.some((row) => hasFailed(row.cells[last + 1]))) last--;
    return last;
  }

  #removeColumn(column: number): void {
    this.#hosts.splice(column, 1);
    this.#table.tHead!.rows[0]!.deleteCell(column + 1);
    for (const row of this.#taskRows()) row.deleteCell(column + 1);
  }

  #insertColumn(host: string, column: number): void {
    const head = document.createElement("th");
    head.scope = "col";
    head.className = "matrix-host";
    const name = document.createElement("span");
    name.title = name.textContent = host;
    head.append(name);
    const heads = this.#table.tHead!.rows[0]!;
    heads.insertBefore(head, heads.cells[column + 1] ?? null);
    for (const row of this.#taskRows()) row.insertCell(column + 1);
    this.#hosts.splice(column, 0, host);
    this.#table.dataset.heads = this.#heads();
  }

  /** Decide how the hosts are written, as `heads` does on the server. */
  #heads(): string {
    const { maxWideHosts, maxUprightHosts, maxUprightName } = this.dataset;
    const count = this.#hosts.length;
    if (count <= Number(maxWideHosts)) return "wide";
    const short = this.#hosts.every((host) => host.length <= Number(maxUprightName));
    return short && count <= Number(maxUprightHosts) ? "upright" : "rotated";
  }

  #taskRows(): HTMLTableRowElement[] {
    return [...this.#table.querySelectorAll<HTMLTableRowElement>("[data-task]")];
  }

  /**
   * Remove the earliest tasks. A spacer takes their place, within their step while it has
   * other tasks, so that nothing that remains moves.
   */
  #drop(): void {
    const rows = this.#taskRows();
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

function hasFailed(cell: HTMLTableCellElement | undefined): boolean {
  return FAILED.has(cell?.dataset.status ?? "");
}
