import { figuresFields, otherCurrenciesIfAny } from "../../contract/analytics.ts";
import { recurringFields } from "../../contract/plan-figures.ts";
import { OTHER_PAIR } from "../../domain/limits.ts";
import { recurring } from "../../domain/plan-figures.ts";
import type { MemberSums } from "../../ledger/member-sums.ts";
import type { CustomerName, FeatureName } from "../../ledger/names.ts";
import { churnOf, type PlanFacts, statusOf } from "./analytics-plans.ts";

/** Items of analytics' lists: sums with the names of what they are sums of. */

/** What events without a feature or model are shown under. */
export const NONE_LABEL = "(none)";

/** `facts`: what plans say of this account's customers. */
export function customerItem(sums: MemberSums, name: CustomerName | undefined, facts: PlanFacts) {
  const { figures, member } = sums;
  const churn = churnOf(facts, sums);
  return {
    customerId: member,
    ...(name?.referenceId === undefined ? {} : { customerReferenceId: name.referenceId }),
    customerName: name?.name ?? member,
    ...(name?.email === undefined ? {} : { email: name.email }),
    ...figuresFields(figures),
    marginStatus: statusOf(facts, sums),
    ...recurringFields(recurring(facts.mrr.own.get(member) ?? 0n, figures, facts.lengthMs)),
    ...(churn === undefined ? {} : { churn }),
    ...otherCurrenciesIfAny(sums.others, facts.mrr.others.get(member)),
  };
}

export function featureItem(sums: MemberSums, names: ReadonlyMap<string, FeatureName>) {
  const feature = names.get(sums.member);
  const label = featureLabel(sums.member, names);
  return {
    ...(sums.member === "" || sums.member === OTHER_PAIR ? {} : { featureId: sums.member }),
    featureKey: feature?.key ?? label,
    featureName: feature?.name ?? label,
    ...(feature?.deleted ? { deleted: true } : {}),
    ...figuresFields(sums.figures),
    ...otherCurrenciesIfAny(sums.others),
  };
}

export function featureLabel(featureId: string, names: ReadonlyMap<string, FeatureName>): string {
  return featureId === "" ? NONE_LABEL : (names.get(featureId)?.name ?? featureId);
}

export function modelItem(sums: MemberSums) {
  return {
    model: sums.member,
    modelProvider: sums.provider,
    ...figuresFields(sums.figures),
    ...otherCurrenciesIfAny(sums.others),
  };
}

export function modelLabel({ provider, member }: { provider: string; member: string }): string {
  if (member === "" || member === OTHER_PAIR) return member === "" ? NONE_LABEL : member;
  return provider === "" ? member : `${provider}/${member}`;
}
