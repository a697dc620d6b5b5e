// Small builders for the viewer's controls. Text always goes in as text, never as markup.

type Attributes = Record<string, string>;

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export function field(label: string, control: HTMLElement): HTMLLabelElement {
  return element("label", { class: "field" }, element("span", {}, label), control);
}

export function button(text: string, onClick: () => void, attributes: Attributes = {}): HTMLButtonElement {
  const made = element("button", { type: "button", ...attributes }, text);
  made.addEventListener("click", onClick);
  return made;
}

export function checkbox(label: string, checked: boolean, onChange: (checked: boolean) => void): HTMLLabelElement {
  const input = element("input", { type: "checkbox" });
  input.checked = checked;
  input.addEventListener("change", () => onChange(input.checked));
  return element("label", { class: "check" }, input, element("span", {}, label));
}

export function choice(
  options: readonly (readonly [value: string, text: string])[],
  selected: string,
  onChange: (value: string) => void,
): HTMLSelectElement {
  const made = element("select");
  for (const [value, text] of options) made.append(element("option", { value }, text));
  made.value = selected;
  made.addEventListener("change", () => onChange(made.value));
  return made;
}

export function slider(value: number, onInput: (value: number) => void, attributes: Attributes): HTMLInputElement {
  const made = element("input", { type: "range", ...attributes });
  made.value = String(value);
  made.addEventListener("input", () => onInput(made.valueAsNumber));
  return made;
}

/** Runs `work` at most once per drawn frame, however often it is asked for. */
export function oncePerFrame(work: () => void): () => void {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      work();
    });
  };
}
