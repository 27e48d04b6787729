import * as z from "zod";
import type { Feature } from "../domain/account.ts";
import { DELETE_IDS_MAX } from "../domain/limits.ts";
import { idText, instantText, metadata, name, readMetadata, text } from "./scalars.ts";

/** Features on the wire. */

export const CreateFeature = z
  .object({
    key: name.meta({
      description: "What events and checks name the feature by; unique in the account, never changed.",
    }),
    name: name.optional().meta({ description: "Default: the key." }),
    description: text.optional(),
    isEnabled: z.boolean().optional().meta({ description: "Default: true." }),
    metadata: metadata.optional(),
  })
  .meta({ id: "CreateFeature" });

export const ChangeFeature = z
  .object({
    key: name.optional().meta({ description: "Accepted when it is the feature's own key; another is refused." }),
    name: name.optional(),
    description: text.optional().meta({ description: "An empty string clears it." }),
    isEnabled: z.boolean().optional(),
    metadata: metadata.optional().meta({ description: "Replaces all of the feature's metadata." }),
  })
  .meta({ id: "ChangeFeature" });

export const DeleteFeatures = z
  .object({ ids: z.array(idText).min(1).max(DELETE_IDS_MAX) })
  .meta({ id: "DeleteFeatures" });

const EXAMPLE = {
  id: "0f8b6f6e-9f0c-4c57-8e2f-0d1a6b1f2c3d",
  key: "ai.chat",
  name: "Chat",
  description: "Answers questions.",
  isEnabled: true,
  metadata: {},
  createdAt: "2027-01-04T09:30:00.000Z",
  modifiedAt: "2027-01-04T09:30:00.000Z",
};

export const FeatureWire = z
  .object({
    id: z.uuid(),
    key: z.string(),
    name: z.string(),
    description: z.string().optional(),
    isEnabled: z.boolean(),
    metadata: z.record(z.string(), z.unknown()),
    createdAt: z.iso.datetime(),
    modifiedAt: z.iso.datetime(),
  })
  .meta({ id: "Feature", examples: [EXAMPLE] });

export function toWireFeature(feature: Feature): z.input<typeof FeatureWire> {
  return {
    id: feature.featureId,
    key: feature.key,
    name: feature.name,
    ...(feature.description === undefined ? {} : { description: feature.description }),
    isEnabled: feature.isEnabled,
    metadata: readMetadata(feature.metadata),
    createdAt: instantText(feature.createdAtMs),
    modifiedAt: instantText(feature.modifiedAtMs),
  };
}
