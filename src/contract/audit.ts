import * as z from "zod";
import { instantText } from "./scalars.ts";

/** An entry of the audit trail on the wire. */
export const AuditEntryWire = z
  .object({
    id: z.uuid(),
    createdAt: z.iso.datetime(),
    action: z.string().meta({ description: "What was done, such as `api_key.revoked` or `settings.changed`." }),
    target: z.string().meta({ description: "The id of the thing it was done to." }),
    actor: z.object({
      keyId: z.string().optional().meta({ description: "Absent for the root token." }),
      hint: z.string().meta({ description: "The end of the key, as lists of keys show it." }),
    }),
    ip: z.string().optional(),
    requestId: z.string(),
    before: z.unknown().optional().meta({ description: "What changed, as it was." }),
    after: z.unknown().optional().meta({ description: "What changed, as it is since." }),
  })
  .meta({ id: "AuditEntry" });

/** An entry as the trail keeps it; times are UTC milliseconds. */
type Entry = {
  entryId: string;
  atMs: number;
  action: string;
  target: string;
  keyId?: string;
  hint: string;
  ip: string;
  requestId: string;
  before?: unknown;
  after?: unknown;
};

export function toWireAuditEntry(entry: Entry): z.input<typeof AuditEntryWire> {
  return {
    id: entry.entryId,
    createdAt: instantText(entry.atMs),
    action: entry.action,
    target: entry.target,
    actor: { ...(entry.keyId === undefined ? {} : { keyId: entry.keyId }), hint: entry.hint },
    ...(entry.ip === "" ? {} : { ip: entry.ip }),
    requestId: entry.requestId,
    ...(entry.before === undefined ? {} : { before: entry.before }),
    ...(entry.after === undefined ? {} : { after: entry.after }),
  };
}
