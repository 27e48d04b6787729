/** Stripe's form encoding: `a[b][0][c]=v` stands for nested objects and lists. */

/** A parameter as it was sent: text, or more parameters by name. Lists are objects with the keys 0, 1, … until a schema says so. */
export type FormTree = { [name: string]: FormTree | string };

/** Takes an encoded query or body apart. `a[]` counts up; of two equal names the later one holds. */
export function decodeForm(encoded: string): FormTree {
  const tree: FormTree = emptyTree();
  for (const [name, value] of new URLSearchParams(encoded)) put(tree, pathOf(name), value);
  return tree;
}

/** The same parameters in one order: two requests with equal text are one request, however they were encoded. */
export function canonicalForm(tree: FormTree | string): string {
  if (typeof tree === "string") return JSON.stringify(tree);
  const names = Object.keys(tree).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonicalForm(tree[name] ?? "")}`).join()}}`;
}

// Without a prototype, so that a parameter called `__proto__` is a name like any other.
function emptyTree(): FormTree {
  return Object.create(null) as FormTree;
}

function pathOf(name: string): string[] {
  const first = name.indexOf("[");
  if (first <= 0) return [name];
  return [name.slice(0, first), ...[...name.slice(first).matchAll(/\[([^\]]*)\]/g)].map(([, part]) => part ?? "")];
}

function put(tree: FormTree, path: readonly string[], value: string): void {
  let at = tree;
  for (const [depth, part] of path.entries()) {
    const name = part === "" ? String(Object.keys(at).length) : part;
    if (depth === path.length - 1) {
      at[name] = value;
      return;
    }
    const below = at[name];
    const next = typeof below === "object" ? below : emptyTree();
    at[name] = next;
    at = next;
  }
}
