/**
 * Suggests the hosts and tags of the playbook in the fields of a launch form.
 *
 *     <launch-choices src="/services/site/choices">…<input name="option.limit">…
 *
 * Ansible takes about a second to list them, so they are requested when one of the fields
 * gets the focus for the first time. Any other text may be typed too. A closed part of
 * the form opens if a field in it is invalid.
 */
export class LaunchChoices extends HTMLElement {
  #requested = false;

  connectedCallback(): void {
    this.addEventListener("focusin", (event) => {
      if (event.target instanceof HTMLInputElement && event.target.name in FIELDS)
        void this.#request();
    });
    this.addEventListener(
      "invalid",
      (event) => {
        const part = (event.target as Element).closest("details");
        if (part) part.open = true;
      },
      true,
    );
  }

  async #request(): Promise<void> {
    const source = this.getAttribute("src");
    if (this.#requested || !source) return;
    this.#requested = true;
    const response = await fetch(source, { headers: { Accept: "application/json" } });
    if (!response.ok) return;
    const choices = (await response.json()) as Choices;
    for (const [name, values] of Object.entries(FIELDS))
      this.#suggest(name, values(choices));
  }

  #suggest(name: string, values: string[]): void {
    const field = this.querySelector<HTMLInputElement>(`input[name="${name}"]`);
    if (!field || values.length === 0) return;
    const list = document.createElement("datalist");
    list.id = `${name}-suggestions`;
    for (const value of values) list.append(new Option(undefined, value));
    field.after(list);
    field.setAttribute("list", list.id);
  }
}

interface Choices {
  hosts: string[];
  groups: string[];
  tags: string[];
}

const FIELDS: Record<string, (choices: Choices) => string[]> = {
  "option.limit": (choices) => [...choices.groups, ...choices.hosts],
  "option.tags": (choices) => choices.tags,
  "option.skip_tags": (choices) => choices.tags,
};
