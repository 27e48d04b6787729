import * as z from "zod";
import { idText, instantRange, instantText, name, page } from "./scalars.ts";

/** Which entries of the trail; all conditions hold together. */
export const AuditQuery = z.object({
  ...page,
  ...instantRange,
  action: name
    .regex(/^[a-z_]+(\.[a-z_]+)?$/, "must be an action, or the part of one before its dot")
    .optional()
    .meta({ description: "An action, such as `plan.activated`; or a family of them: `plan` is every `plan.…`." }),
  target: name.optional().meta({ description: "The id of the thing that it was done to." }),
  keyId: idText.optional().meta({ description: "The key that did it." }),
});

const EXAMPLE = {
  id: "5b0d4c1e-7a8f-4d25-b1c6-2e9f8a7b6c5d",
  createdAt: "2027-01-04T09:31:00.000Z",
  action: "settings.changed",
  target: "4c1f0c9e-6a0f-4b7e-9d52-0f6f2f9a7b31",
  actor: { keyId: "9a3f7d0e-55b1-4f0a-8a1c-3f1d2b6c7e10", hint: "…x7Qd" },
  ip: "203.0.113.7",
  requestId: "3d2c1b0a-9f8e-4d7c-8b6a-5f4e3d2c1b0a",
  before: { agentSignupHourlyCap: 10 },
  after: { agentSignupHourlyCap: 4 },
};

/** An entry of the audit trail on the wire. */
export const AuditEntryWire = z
  .object({
    id: z.uuid(),
    createdAt: z.iso.datetime(),
    action: z.string().meta({ description: "What was done, such as `api_key.revoked` or `settings.changed`." }),
    target: z.string().meta({ description: "The id of the thing it was done to." }),
    actor: z.object({
      keyId: z.string().optional().meta({ description: "Absent for the root token, and for Stripe." }),
      hint: z.string().meta({
        description:
          "The end of the key, as lists of keys show it; `Stripe` for what a webhook told, whose event id is the request id.",
      }),
    }),
    ip: z.string().optional(),
    requestId: z.string(),
    before: z.unknown().optional().meta({ description: "What changed, as it was." }),
    after: z.unknown().optional().meta({ description: "What changed, as it is since." }),
  })
  .meta({ id: "AuditEntry", examples: [EXAMPLE] });

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
