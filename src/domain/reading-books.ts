import { type Break, count, type LawVerdict, verdict } from "./books.ts";
import type { Form } from "./stored-forms.ts";

/**
 * The law of reading: every row says what a row of its table must. One that cannot be read is named here, and all other laws go on
 * without it: as if it were gone, they may miss it, too. So the books always answer.
 */

/** Rows of one table: how they are numbered and read, and what they must look like then. `read` throws where there is nothing to read. */
export type Readable<Row, T> = {
  kind: Break["kind"];
  table: string;
  number: (row: Row) => number;
  /** Where several rows have one number. */
  name?: (row: Row) => string;
  read: (row: Row) => T;
  form: Form;
};

export type Reading = {
  /** Those of the rows that can be read, one after the other; of the others it is noted what they lack. */
  of: <Row, T>(readable: Readable<Row, T>, rows: Iterable<Row>) => Iterable<T>;
  /** `rowCount`: of all tables that were read. */
  verdict: (rowCount: number) => LawVerdict;
};

/** A row may be read for several laws: it is counted once. */
export function startReading(): Reading {
  const unread = new Set<string>();
  let broken: Break | undefined;
  return {
    *of({ kind, table, number, name, read, form }, rows) {
      for (const row of rows) {
        const thing = attempt(() => read(row), form);
        if (thing.fault === undefined) {
          yield thing.value;
          continue;
        }
        const which = name === undefined ? "" : ` of ${name(row)}`;
        unread.add(`${table} ${number(row)}${which}`);
        broken ??= { kind, number: number(row), why: `its row of ${table}${which} cannot be read: ${thing.fault}` };
      }
    },
    verdict(rowCount) {
      const [left, right] = [BigInt(rowCount - unread.size), BigInt(rowCount)];
      return verdict("rows_read", { kind: "customer", number: 0 }, { left, right, format: count }, broken);
    },
  };
}

type Attempt<T> = { fault: string; value?: undefined } | { fault?: undefined; value: T };

/** The one place where reading may throw: text that is no JSON, or no number, says so by throwing. */
function attempt<T>(read: () => T, form: Form): Attempt<T> {
  try {
    const value = read();
    const fault = form(value);
    return fault === undefined ? { value } : { fault: fault.replace(/^[. ]/, "") };
  } catch (error) {
    return { fault: error instanceof Error ? error.message : String(error) };
  }
}
