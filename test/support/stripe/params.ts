import * as z from "zod";
import type { FormTree } from "./form.ts";
import { invalid, type StripeRefusal } from "./refusals.ts";

/** Parameters as routes declare them. What a schema does not name is refused, as Stripe refuses it. */

/** Stripe's own limits of metadata. */
const METADATA_KEYS_MAX = 50;
const METADATA_KEY_LENGTH_MAX = 40;
const METADATA_VALUE_LENGTH_MAX = 500;
const TEXT_LENGTH_MAX = 5000;

/** Text that is not empty: an empty string means to unset something, which only `unsettable` parameters take. */
export function text(lengthMax = TEXT_LENGTH_MAX) {
  return z
    .string()
    .min(1)
    .refine((value) => value.length <= lengthMax, {
      error: ({ input }) => `Invalid string: ${String(input).slice(0, 20)}...; must be at most ${lengthMax} characters`,
    });
}

/** Text that an empty string unsets: read as null. */
export function unsettable(lengthMax = TEXT_LENGTH_MAX) {
  return z
    .string()
    .refine((value) => value.length <= lengthMax, {
      error: ({ input }) => `Invalid string: ${String(input).slice(0, 20)}...; must be at most ${lengthMax} characters`,
    })
    .transform((value) => (value === "" ? null : value));
}

export const integer = z
  .string()
  .refine((value) => /^-?\d{1,15}$/.test(value), {
    error: ({ input }) => `Invalid integer: ${String(input)}`,
    params: { code: "parameter_invalid_integer" },
  })
  .transform(Number);

export const count = integer.refine((value) => value >= 0, {
  error: "Invalid non-negative integer",
  params: { code: "parameter_invalid_integer" },
});

export const flag = z
  .string()
  .refine((value) => value === "true" || value === "false", {
    error: ({ input }) => `Invalid boolean: ${String(input)}`,
  })
  .transform((value) => value === "true");

export const url = text().refine((value) => /^https?:\/\/[^\s/]+/.test(value) && URL.canParse(value), {
  error: "Not a valid URL",
  params: { code: "url_invalid" },
});

export const email = unsettable(512).refine((value) => value === null || /^[^@\s]+@[^@\s]+\.[^@\s.]+$/.test(value), {
  error: ({ input }) => `Invalid email address: ${String(input)}`,
  params: { code: "email_invalid" },
});

export const currency = text(3)
  .transform((code) => code.toLowerCase())
  .refine((code) => /^[a-z]{3}$/.test(code), { error: ({ input }) => `Invalid currency: ${String(input)}` });

/** Parameters of a call, each of which the SDK's type of them must know: what the API no longer takes does not compile. */
export function paramsOf<P>() {
  return <S extends { [K in keyof S]: K extends keyof P ? z.ZodType : never }>(shape: S) => z.strictObject(shape);
}

/** A list: an object whose names are 0, 1, …, until here. */
export function list<T extends z.ZodType>(item: T) {
  return z.preprocess(
    (value) => (typeof value === "object" && value !== null ? Object.values(value) : value),
    z.array(item),
  );
}

/** Pairs of text. An empty value takes a key away, an empty whole takes all of them. */
export const metadata = z
  .preprocess((value) => (value === "" ? { "": "" } : value), z.record(z.string(), z.string()))
  .superRefine((pairs, context) => {
    const refuse = (message: string, path: string[] = []) => context.addIssue({ code: "custom", message, path });
    if (Object.keys(pairs).length > METADATA_KEYS_MAX)
      refuse(`Metadata can have up to ${METADATA_KEYS_MAX} keys; you passed in ${Object.keys(pairs).length}`);
    for (const [key, value] of Object.entries(pairs)) {
      if (key.length > METADATA_KEY_LENGTH_MAX)
        refuse(`Metadata keys can have up to ${METADATA_KEY_LENGTH_MAX} characters`, [key]);
      if (value.length > METADATA_VALUE_LENGTH_MAX)
        refuse(`Metadata values can have up to ${METADATA_VALUE_LENGTH_MAX} characters`, [key]);
    }
  });

/** Metadata after a call: pairs are added and replaced one by one. */
export function mergedMetadata(
  before: Readonly<Record<string, string>>,
  sent: Readonly<Record<string, string>> | undefined,
): Record<string, string> {
  if (sent === undefined) return { ...before };
  if (Object.hasOwn(sent, "")) return {};
  return Object.fromEntries(Object.entries({ ...before, ...sent }).filter(([, value]) => value !== ""));
}

export const address = z.strictObject({
  city: unsettable().optional(),
  country: unsettable().optional(),
  line1: unsettable().optional(),
  line2: unsettable().optional(),
  postal_code: unsettable().optional(),
  state: unsettable().optional(),
});

const range = z.union([
  integer.transform((equal) => ({ gte: equal, lte: equal })),
  z.strictObject({
    gt: integer.optional(),
    gte: integer.optional(),
    lt: integer.optional(),
    lte: integer.optional(),
  }),
]);

/** What every list takes. */
export const paging = {
  limit: integer
    .refine((value) => value >= 1 && value <= 100, {
      error: "This value must be between 1 and 100 (inclusive).",
      params: { code: "parameter_invalid_integer" },
    })
    .optional(),
  starting_after: text().optional(),
  ending_before: text().optional(),
  created: range.optional(),
};

/** Reads sent parameters by a schema; throws what Stripe would refuse them with. `expand` is taken by every route. */
export function readParams<T>(schema: z.ZodType<T>, tree: FormTree): T {
  const { expand: _, ...rest } = tree;
  const result = schema.safeParse(rest, { reportInput: true });
  if (result.success) return result.data;
  throw refusalOf(result.error);
}

function refusalOf(error: z.ZodError): StripeRefusal {
  // A parameter that does not exist is told before one that is wrong.
  const issue = error.issues.find(({ code }) => code === "unrecognized_keys") ?? error.issues[0];
  if (issue === undefined) return invalid("Invalid request");
  const param = nameOf(issue.path);
  if (issue.code === "unrecognized_keys") {
    const names = issue.keys.map((key) => nameOf([...issue.path, key]));
    const noun = names.length > 1 ? "parameters" : "parameter";
    return invalid(`Received unknown ${noun}: ${names.join(", ")}`, {
      code: "parameter_unknown",
      param: names[0] ?? param,
    });
  }
  if ((issue.code === "invalid_type" || issue.code === "invalid_value") && issue.input === undefined)
    return invalid(`Missing required param: ${param}.`, { code: "parameter_missing", param });
  if (issue.code === "invalid_type") return invalid(`Invalid ${param}: expected another type`, { param });
  if (issue.code === "too_small" && issue.origin === "string")
    return invalid(
      `You passed an empty string for '${param}'. We assume empty values are an attempt to unset a parameter; however '${param}' cannot be unset. You should remove '${param}' from your request or supply a non-empty value.`,
      { code: "parameter_invalid_empty", param },
    );
  if (issue.code === "invalid_value")
    return invalid(`Invalid ${param}: must be one of ${issue.values.map(String).join(", ")}`, { param });
  const code = issue.code === "custom" ? issue.params?.code : undefined;
  return invalid(issue.message, { param, ...(typeof code === "string" ? { code } : {}) });
}

function nameOf([first, ...rest]: readonly PropertyKey[]): string {
  return `${String(first ?? "")}${rest.map((part) => `[${String(part)}]`).join("")}`;
}
