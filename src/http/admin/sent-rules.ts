import type * as z from "zod";
import { creditModelsOf } from "../../catalog/credit-models.ts";
import type { ReplaceRules } from "../../contract/rule.ts";
import { type Rule, sameRule } from "../../domain/plan.ts";
import { invalid, type Reply } from "../../domain/refusal.ts";
import type { Call } from "../route.ts";
import { noCreditModel } from "./plan-change.ts";

/** Rules as a caller sends them, made into rules of a plan. */

/** What a rule says of the credit model that it names. */
type Naming = Pick<Rule, "creditModelId" | "creditModelName" | "denomination">;

/** The credit models that rules name, as the rules keep them; without one there is nothing to keep. An empty id names none. */
export async function namingOf(
  call: Call,
  given: readonly (string | undefined)[],
): Promise<Reply<(creditModelId: string | undefined) => Naming>> {
  const ids = given.flatMap((id) => (id === undefined || id === "" ? [] : [id]));
  if (ids.length === 0) return { ok: true, value: () => ({}) };
  const lower = ids.map((id) => id.toLowerCase());
  const models = await creditModelsOf(call.env.DB, call.account.account.accountId, lower);
  const known = new Map(models.map((model) => [model.creditModelId, model]));
  const unknown = ids.find((id) => !known.has(id.toLowerCase()));
  if (unknown !== undefined) return noCreditModel(unknown);
  return {
    ok: true,
    value: (id) => {
      const model = known.get(id?.toLowerCase() ?? "");
      if (model === undefined) return {};
      const { creditModelId, name: creditModelName, denomination } = model;
      return { creditModelId, creditModelName, denomination };
    },
  };
}

type SentRules = z.output<typeof ReplaceRules>["features"];

/** A plan's rules once these replace them: a rule that says the same as before stays as it is. */
export async function replacedRules(
  call: Call,
  features: SentRules,
  before: readonly Rule[],
  nowMs: number,
): Promise<Reply<Rule[]>> {
  const naming = await namingOf(
    call,
    features.map(({ creditModelId }) => creditModelId),
  );
  if (!naming.ok) return naming;
  const seen = new Set<string>();
  const rules: Rule[] = [];
  for (const [index, sent] of features.entries()) {
    const featureId = sent.featureId.toLowerCase();
    if (seen.has(featureId)) return invalid(`features[${index}].featureId`, "is in the list twice");
    seen.add(featureId);
    const said = {
      featureId,
      isEnabled: sent.isEnabled ?? true,
      value: sent.value ?? {},
      ...naming.value(sent.creditModelId),
    };
    const was = before.find((rule) => rule.featureId === featureId);
    if (was !== undefined && sameRule(was, said)) rules.push(was);
    else
      rules.push({
        ruleId: was?.ruleId ?? crypto.randomUUID(),
        ...said,
        createdAtMs: was?.createdAtMs ?? nowMs,
        modifiedAtMs: nowMs,
      });
  }
  return { ok: true, value: rules };
}
