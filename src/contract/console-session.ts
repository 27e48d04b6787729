import * as z from "zod";
import { AccountWire } from "./account.ts";
import { instantText } from "./scalars.ts";

/** Sessions of the console on the wire. */

/** What is shown to sign in: an admin key, or the token of a link that a local start printed. */
export const SignIn = z
  .object({
    apiKey: z.string().max(200).optional().meta({ description: "An admin key of the account." }),
    linkToken: z
      .string()
      .max(200)
      .optional()
      .meta({ description: "The token of the link that a local start prints; it works once." }),
  })
  .refine(({ apiKey, linkToken }) => (apiKey === undefined) !== (linkToken === undefined), {
    message: "needs an apiKey or a linkToken",
  })
  .meta({ id: "SignIn" });

const SESSION = {
  id: "7c0e3a52-9d1f-4b68-8a27-5e4d3c2b1a09",
  keyId: "9a3f7d0e-55b1-4f0a-8a1c-3f1d2b6c7e10",
  keyHint: "…x7Qd",
  ip: "203.0.113.7",
  userAgent: "Mozilla/5.0 (X11; Linux x86_64)",
  createdAt: "2027-01-04T09:31:00.000Z",
  expiresAt: "2027-01-04T21:31:00.000Z",
  current: true,
};

/** A session as lists show it. */
export const ConsoleSessionWire = z
  .object({
    id: z.uuid(),
    keyId: z
      .uuid()
      .meta({ description: "The key that it stands for: what the session does, the trail says of this key." }),
    keyHint: z.string(),
    ip: z.string().optional(),
    userAgent: z.string(),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime(),
    current: z.boolean().meta({ description: "Is it the session that asks?" }),
  })
  .meta({ id: "ConsoleSession", examples: [SESSION] });

/** Who asks: the account, the key, and the session where there is one. */
export const WhoamiWire = z
  .object({
    account: AccountWire,
    key: z.object({ id: z.uuid(), hint: z.string() }),
    session: ConsoleSessionWire.optional(),
  })
  .meta({ id: "Whoami" });

/** Times are UTC milliseconds. */
type Session = {
  sessionId: string;
  keyId: string;
  hint: string;
  ip: string;
  userAgent: string;
  createdAtMs: number;
  expiresAtMs: number;
};

export function toWireSession(session: Session, currentId: string | undefined): z.input<typeof ConsoleSessionWire> {
  return {
    id: session.sessionId,
    keyId: session.keyId,
    keyHint: session.hint,
    ...(session.ip === "" ? {} : { ip: session.ip }),
    userAgent: session.userAgent,
    createdAt: instantText(session.createdAtMs),
    expiresAt: instantText(session.expiresAtMs),
    current: session.sessionId === currentId,
  };
}
