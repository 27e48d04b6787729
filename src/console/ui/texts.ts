import { useState } from "preact/hooks";

/** What several text fields hold while they are typed in. */
export type Texts<N extends string> = {
  values: Record<N, string>;
  /** What ties the field of a name to its text. `path`: its name in the body, unless it is another. */
  field: (name: N, path?: string) => { path: string; value: string; onChange: (value: string) => void };
};

export function useTexts<N extends string>(initial: Record<N, string>): Texts<N> {
  const [values, setValues] = useState(initial);
  const field = (name: N, path: string = name) => ({
    path,
    value: values[name],
    onChange: (value: string) => setValues((known) => ({ ...known, [name]: value })),
  });
  return { values, field };
}
