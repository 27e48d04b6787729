import { eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { cronCursors } from "./tables.ts";

/** Where a cron task stopped that goes through more than one run can do. */

/** Undefined: at the front, where it never began or where it came to the end. */
export async function readCursor(database: D1Database, task: string): Promise<string | undefined> {
  const db = drizzle(database);
  const [[row]] = await db.batch([
    db.select({ cursor: cronCursors.cursor }).from(cronCursors).where(eq(cronCursors.task, task)),
  ]);
  return row?.cursor;
}

export async function saveCursor(database: D1Database, task: string, cursor: string | undefined): Promise<void> {
  const db = drizzle(database);
  if (cursor === undefined) await db.batch([db.delete(cronCursors).where(eq(cronCursors.task, task))]);
  else
    await db.batch([
      db.insert(cronCursors).values({ task, cursor }).onConflictDoUpdate({ target: cronCursors.task, set: { cursor } }),
    ]);
}
