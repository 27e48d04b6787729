/** SQL of the step that lets a reservation be a block, or a part of one. */
export const BLOCK_COLUMNS = `
  -- JSON text of what an isolate may do with it; NULL for what is no block.
  ALTER TABLE reservations ADD COLUMN block TEXT;
  -- The block that it was handed out from, and its place there: each is taken once, however often it is sent.
  ALTER TABLE reservations ADD COLUMN part_of INTEGER;
  ALTER TABLE reservations ADD COLUMN part_sequence INTEGER;
  CREATE UNIQUE INDEX reservations_by_part ON reservations (part_of, part_sequence) WHERE part_of IS NOT NULL;
`;

/** SQL of the step that lets a reservation remember what it was made for; NULL where nobody said it. */
export const MODEL_COLUMN = "ALTER TABLE reservations ADD COLUMN model TEXT;";
