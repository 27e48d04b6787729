import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Customers' own databases in the state folder of a server that is stopped: what somebody with access to the disk could change. */

/** Changes one row in the file of one customer, past everything that guards it. */
export function editCustomerFile(state, reference, statement) {
  const objects = join(state, "v3", "do");
  const files = readdirSync(objects).flatMap((name) =>
    readdirSync(join(objects, name))
      .filter((file) => /^[0-9a-f]+\.sqlite$/.test(file))
      .map((file) => join(objects, name, file)),
  );
  for (const file of files) {
    const database = new DatabaseSync(file);
    try {
      if (referenceIn(database) !== reference) continue;
      const { changes } = database.prepare(statement).run();
      if (changes !== 1) throw new Error(`"${statement}" changed ${changes} rows of ${reference}`);
      return;
    } finally {
      database.close();
    }
  }
  throw new Error(`no file in ${state} is of ${reference}`);
}

function referenceIn(database) {
  const row = database.prepare("SELECT json_extract(profile, '$.referenceId') AS reference FROM state").get();
  return row?.reference;
}
