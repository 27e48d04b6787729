import { useState } from "preact/hooks";
import { ask } from "../../api.ts";
import { AreaField, FormDialog, TextField, textOf } from "../../ui/form.tsx";
import type { Feature } from "../../wire.ts";

/** Making a feature, and changing what it is called. */

const FEATURES = "/api/v1/monetization/features";

export function NewFeature({ onClose, onDone }: { onClose: () => void; onDone: (feature: Feature) => void }) {
  const [key, setKey] = useState("");
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  return (
    <FormDialog<Feature>
      title="New feature"
      submit="Make it"
      done={(feature) => `${feature.name} is made`}
      onClose={onClose}
      onDone={onDone}
      send={() => ask("POST", FEATURES, { key: textOf(key), name: textOf(name), description: textOf(description) })}
    >
      <TextField
        label="Key"
        path="key"
        value={key}
        onChange={setKey}
        placeholder="ai.chat"
        hint="Events and checks name it by this; it never changes"
      />
      <TextField label="Name" path="name" value={name} onChange={setName} placeholder="Chat" hint="Empty: the key" />
      <AreaField label="Description" path="description" value={description} onChange={setDescription} rows={2} />
    </FormDialog>
  );
}

export function EditFeature({
  feature,
  onClose,
  onDone,
}: {
  feature: Feature;
  onClose: () => void;
  onDone: () => void;
}) {
  const [name, setName] = useState(feature.name);
  const [description, setDescription] = useState(feature.description ?? "");
  return (
    <FormDialog<Feature>
      title={`Edit ${feature.name}`}
      submit="Save"
      done="Saved"
      onClose={onClose}
      onDone={onDone}
      send={() => ask("PATCH", `${FEATURES}/${feature.id}`, { name: textOf(name), description: description.trim() })}
    >
      <TextField
        label="Name"
        path="name"
        value={name}
        onChange={setName}
        hint={
          <>
            Its key stays <code>{feature.key}</code>, since events and checks name it
          </>
        }
      />
      <AreaField label="Description" path="description" value={description} onChange={setDescription} rows={2} />
    </FormDialog>
  );
}
