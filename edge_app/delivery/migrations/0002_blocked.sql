-- Why no vehicle can use a bay, as JSON (telemetry.messages.Blocked); NULL: nothing blocks it.
ALTER TABLE bay ADD COLUMN blocked TEXT;
